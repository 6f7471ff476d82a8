"""
What the notebooks in Julia import: data sets, batches, weights, the clock and the record.

The sibling of the Python package in this folder. It lets that package do the work, in a
Python that has NumPy (the environment variable ROSETTA_PYTHON names it, else `python3`), so
that data, weights and the order of batches are the same bits. Arrays come over as .npy files;
as NumPy stores rows and Julia columns, their dimensions come out in reverse:
(image, channel, row, column) becomes (column, row, channel, image).
"""
module Common

using Printf: @printf

export Stopwatch, assert_same_weights, batches, epochs, first_step!, initial_weights
export load_cifar10, load_images, load_imdb, log!, package_version, passes, report
export show_versions

const ROOT = abspath(joinpath(@__DIR__, ".."))
const SETS = ("x_train", "y_train", "x_test", "y_test")
const TYPES = Dict("<f4" => Float32, "<i4" => Int32, "<i8" => Int64)
const ORDERS = Dict{Tuple{Int,Int},Vector{Int}}()  # number of examples, seed

const BEFORE = raw"""
import json, os, sys
import numpy as np
root, folder, asked = sys.argv[1:]
sys.path.insert(0, root)
import common
asked = json.loads(asked)
given = {name[:-4]: np.load(os.path.join(folder, name)) for name in os.listdir(folder)}
answer = {}
"""
const AFTER = raw"""
for name, value in answer.items():
    path = os.path.join(folder, name)
    if isinstance(value, str):
        with open(path + ".txt", "w", encoding="utf-8") as file:
            file.write(value)
    else:
        np.save(path + ".npy", np.ascontiguousarray(value))
"""

"CIFAR-10: training and test set; Float32 (column, row, channel, n), Int64 0 … 9 (n)."
load_cifar10(kind = "real") = load_sets("common.load_cifar10(asked['kind'])"; kind = kind)

"IMDB: training and test set; Int32 word numbers from 0 (word, n), Int64 0 or 1 (n)."
load_imdb(kind = "real", vocabulary = 30000, length = 150) = load_sets(
    "common.load_imdb(asked['kind'], asked['vocabulary'], asked['length'])";
    kind = kind, vocabulary = vocabulary, length = length,
)

"Images for ResNet-50: Float32 (column, row, channel, n)."
load_images(kind = "real") =
    python("answer['x'] = common.load_images(asked['kind'])\n"; kind = kind)["x"]

function load_sets(call; asked...)
    names = join(repr.(SETS), ", ")
    answer = python("answer.update(zip(($names), $call))\n"; asked...)
    return Tuple(answer[name] for name in SETS)
end

"The order of `n` examples in the epoch of this seed, from 1; later ones are fetched, too."
function permutation(n, seed)
    if !haskey(ORDERS, (n, seed))
        seeds = seed:seed+31
        orders = python(
            raw"""
            orders = [common.permutation(asked["n"], seed) for seed in asked["seeds"]]
            answer["orders"] = np.array(orders, np.int64)
            """;
            n = n, seeds = seeds,
        )["orders"]
        for (i, s) in enumerate(seeds)
            ORDERS[(n, s)] = orders[:, i] .+ 1
        end
    end
    return ORDERS[(n, seed)]
end

"Iterate over `(x, y)`; with a seed: shuffled, and the last partial batch is dropped."
function batches(x, y, batchsize, seed = nothing)
    n = size(x, ndims(x))
    order = seed === nothing ? collect(1:n) : permutation(n, seed)
    seed === nothing || (order = order[1:end-length(order)%batchsize])
    chosen = Iterators.partition(order, batchsize)
    return ((examples(x, numbers), examples(y, numbers)) for numbers in chosen)
end

examples(x, numbers) = x[ntuple(_ -> Colon(), ndims(x) - 1)..., numbers]

"Arrays by common name, dimensions in reverse, and `source`: where the values come from."
struct Weights <: AbstractDict{String,Any}
    arrays::Dict{String,Any}
    source::String
end
Base.length(w::Weights) = length(w.arrays)
Base.iterate(w::Weights, state...) = iterate(w.arrays, state...)
Base.getindex(w::Weights, name) = w.arrays[name]
Base.haskey(w::Weights, name) = haskey(w.arrays, name)

"The weights that every framework starts from; a kernel (out, in) comes as (in, out)."
function initial_weights(model, seed; gru = "reset_after")
    arrays = python(
        raw"""
        weights = common.initial_weights(asked["model"], asked["seed"], asked["gru"])
        answer.update(weights, source=weights.source)
        """;
        model = model, seed = seed, gru = gru,
    )
    source = pop!(arrays, "source")
    return Weights(arrays, source)
end

"Throw an error that names the first difference, unless both hold the same bits."
function assert_same_weights(actual, expected)
    differ = symdiff(Set(keys(actual)), Set(keys(expected)))
    isempty(differ) || error("names differ: $(sort(collect(differ)))")
    for (name, b) in expected
        a = actual[name]
        size(a) == size(b) || error("$name: size $(size(a)), expected $(size(b))")
        eltype(a) == eltype(b) || error("$name: $(eltype(a)), expected $(eltype(b))")
        same = all(reinterpret(UInt32, vec(a)) .== reinterpret(UInt32, vec(b)))
        same || error("$name: values differ")
    end
end

"The clock of the protocol; `synchronize` returns when the device has done all its work."
mutable struct Stopwatch
    synchronize::Any
    epoch_seconds::Vector{Float64}
    losses::Vector{Float64}
    started::Float64
    stopped::Float64
    first_step_seconds::Union{Float64,Nothing}
end
Stopwatch(synchronize = nothing) =
    Stopwatch(synchronize, Float64[], Float64[], 0.0, 0.0, nothing)

"Keep the training loss of this epoch: one number, as reading it waits for the device."
log!(stopwatch, loss) = push!(stopwatch.losses, loss)

"Keep the seconds until the first step was done; called after each step, it acts only once."
function first_step!(stopwatch)
    stopwatch.first_step_seconds === nothing || return
    wait_for_device(stopwatch)
    stopwatch.first_step_seconds = time() - stopwatch.started
    return
end

struct Timed
    stopwatch::Stopwatch
    n::Int
    name::String
end

"Iterate over 0 … n-1 and time what is done with each, copies to the device included."
epochs(stopwatch, n) = Timed(stopwatch, n, "epoch")

"As `epochs`, for inference."
passes(stopwatch, n) = Timed(stopwatch, n, "pass")

Base.length(timed::Timed) = timed.n

function Base.iterate(timed::Timed)
    wait_for_device(timed.stopwatch)
    timed.stopwatch.started = timed.stopwatch.stopped = time()
    return timed.n == 0 ? nothing : (0, (1, time_ns()))
end

function Base.iterate(timed::Timed, state)
    number, reading = state
    watch = timed.stopwatch
    wait_for_device(watch)
    now = time_ns()
    push!(watch.epoch_seconds, (now - reading) / 1e9)
    @printf("%s %d/%d: %.2f s", timed.name, number, timed.n, watch.epoch_seconds[end])
    logged = length(watch.losses) == length(watch.epoch_seconds)
    logged ? @printf(", loss %.3f\n", watch.losses[end]) : println()
    if number == timed.n
        watch.stopped = time()
        return nothing
    end
    return (number, (number + 1, now))
end

wait_for_device(watch) = watch.synchronize === nothing || watch.synchronize()

"A package's version, from its Project.toml."
function package_version(package)
    file = joinpath(dirname(dirname(pathof(package))), "Project.toml")
    found = isfile(file) ? match(r"^version *= *\"(.+)\""m, read(file, String)) : nothing
    return found === nothing ? "unknown" : String(found[1])
end

"Print and return what a result depends on; give the framework's version first."
function show_versions(; device, versions...)
    answer = python(
        raw"""
        versions = common.show_versions(asked["device"], **asked["versions"])
        answer["versions"] = json.dumps(versions)
        """;
        device = device, versions = versions,
    )
    return JSON(answer["versions"])
end

"Print the result and, under the runner, leave it as JSON for the record; see record.py."
function report(stopwatch; weights, outputs, asked...)
    python(
        raw"""
        stopwatch = common.Stopwatch()
        for name in ("epoch_seconds", "losses", "started", "stopped", "first_step_seconds"):
            setattr(stopwatch, name, asked.pop(name))
        outputs = given.pop("outputs")
        common.report(stopwatch, weights=given, outputs=outputs, **asked)
        """;
        arrays = merge(Dict{String,Any}(weights), Dict{String,Any}("outputs" => outputs)),
        epoch_seconds = stopwatch.epoch_seconds,
        losses = stopwatch.losses,
        started = stopwatch.started,
        stopped = stopwatch.stopped,
        first_step_seconds = stopwatch.first_step_seconds,
        asked...,
    )
    return nothing
end

"""
Run Python statements that find `asked` and, in `given`, the arrays, and fill `answer`;
return what is in it, by name.
"""
function python(statements; arrays = Dict{String,Any}(), asked...)
    mktempdir() do folder
        for (name, array) in arrays
            write_npy(joinpath(folder, name * ".npy"), Float32.(array))
        end
        program = BEFORE * statements * AFTER
        interpreter = get(ENV, "ROSETTA_PYTHON", "python3")
        command = `$interpreter -c $program $ROOT $folder $(json(asked))`
        errors = IOBuffer()
        process = run(pipeline(ignorestatus(command); stderr = errors))
        text = String(take!(errors))
        print(stderr, text)
        success(process) || error("$interpreter: $(last(split(strip(text), '\n')))")
        files = filter(f -> !haskey(arrays, first(splitext(f))), readdir(folder))
        answers = (first(splitext(f)) => read_answer(joinpath(folder, f)) for f in files)
        return Dict{String,Any}(answers)
    end
end

read_answer(path) = endswith(path, ".npy") ? read_npy(path) : read(path, String)

"The array of a .npy file in C order; its dimensions come out in reverse."
function read_npy(path)
    open(path) do file
        major = read(file, 8)[7]  # after "\x93NUMPY"
        bytes = Int(ltoh(major == 1 ? read(file, UInt16) : read(file, UInt32)))
        header = String(read(file, bytes))
        occursin("'fortran_order': False", header) || error("$path is not in C order")
        type = TYPES[match(r"'descr': '(.+?)'", header)[1]]
        shape = match(r"'shape': \((.*?)\)", header)[1]
        sizes = [parse(Int, digits.match) for digits in eachmatch(r"[0-9]+", shape)]
        return read!(file, Array{type}(undef, reverse(sizes)...))
    end
end

"Write a Float32 array as a .npy file, in C order with its dimensions in reverse."
function write_npy(path, array)
    shape = join(string.(reverse(size(array))) .* ",")
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': ($shape)}"
    header = rpad(header, 117) * "\n"
    open(path, "w") do file
        write(file, "\x93NUMPY\x01\x00", htol(UInt16(length(header))), header, array)
    end
end

"Text that is JSON already."
struct JSON
    text::String
end

"A value as JSON; what is neither number, list nor dictionary is written as text."
json(value::JSON) = value.text
json(::Nothing) = "null"
json(value::Real) = string(value)
json(value::AbstractString) = "\"" * escape_string(value) * "\""
json(values::AbstractVector) = "[" * join((json(v) for v in values), ", ") * "]"
json(values::AbstractDict) =
    "{" * join((json(string(k)) * ": " * json(v) for (k, v) in values), ", ") * "}"
json(value) = json(string(value))

end
