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

export Run, assert_same_weights, batches, end_epoch!, initial_weights!, load_cifar10
export load_images, load_imdb, package_version, report, show_versions!, start_clock!
export stop_clock!

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

"Text that is JSON already."
struct JSON
    text::String
end

"""
One run of one notebook, from its parameters to its record; the sibling of `Run` in run.py.

    this_run = Run(FRAMEWORK, "CNN", DATA, PRECISION, BATCHSIZE)
    show_versions!(this_run, "gpu"; Knet = package_version(Knet))
    weights = initial_weights!(this_run, SEED)
    start_clock!(this_run, length(y_train), CUDA.synchronize)
    for epoch in 0:EPOCHS-1
        ...
        end_epoch!(this_run, loss)
    end
    report(this_run, weights, outputs, accuracy)
"""
mutable struct Run
    identity::Vector{Any}  # the arguments of Python's Run
    device::JSON  # what Python's Run found out about device and versions
    weights_source::String
    examples::Int
    synchronize::Any
    epoch_seconds::Vector{Float64}
    losses::Vector{Float64}
    started::Float64
    stopped::Float64
    reading::UInt64
end
Run(framework, model, data, precision, batchsize) = Run(
    [framework, model, data, precision, batchsize],
    JSON("{}"), "", 0, nothing, Float64[], Float64[], 0.0, 0.0, 0,
)

"Print what a result depends on; give the framework's version first."
function show_versions!(this_run, device; versions...)
    answer = python(
        raw"""
        run = common.Run(*asked["identity"])
        run.show_versions(asked["device"], **asked["versions"])
        answer["device"] = json.dumps(run._device)
        """;
        identity = this_run.identity, device = device, versions = versions,
    )
    this_run.device = JSON(answer["device"])
    return nothing
end

"""
The weights that every framework starts from, by common name, dimensions in reverse: a kernel
(out, in) comes as (in, out).
"""
function initial_weights!(this_run, seed; gru = "reset_after")
    weights = python(
        raw"""
        run = common.Run(*asked["identity"])
        weights = run.initial_weights(asked["seed"], asked["gru"])
        answer.update(weights, source=weights.source)
        """;
        identity = this_run.identity, seed = seed, gru = gru,
    )
    this_run.weights_source = pop!(weights, "source")
    return weights
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

"Start the clock; `synchronize` returns when the device has done all that it was given."
function start_clock!(this_run, examples, synchronize = nothing)
    this_run.examples = examples
    this_run.synchronize = synchronize
    empty!(this_run.epoch_seconds)
    empty!(this_run.losses)
    wait_for_device(this_run)
    this_run.started = this_run.stopped = time()
    this_run.reading = time_ns()
    return nothing
end

"Read the clock. `loss` is the training loss: of the last batch, or the epoch's mean."
function end_epoch!(this_run, loss)
    stop_clock!(this_run)
    push!(this_run.losses, loss)
    seconds = this_run.epoch_seconds
    @printf("epoch %d: %.2f s, loss %.3f\n", length(seconds), seconds[end], loss)
end

"Read the clock after inference."
function stop_clock!(this_run)
    wait_for_device(this_run)
    now = time_ns()
    push!(this_run.epoch_seconds, (now - this_run.reading) / 1e9)
    this_run.reading = now
    this_run.stopped = time()
    return nothing
end

wait_for_device(this_run) = this_run.synchronize === nothing || this_run.synchronize()

"A package's version, from its Project.toml."
function package_version(package)
    file = joinpath(dirname(dirname(pathof(package))), "Project.toml")
    found = isfile(file) ? match(r"^version *= *\"(.+)\""m, read(file, String)) : nothing
    return found === nothing ? "unknown" : String(found[1])
end

"Print the result and, under the runner, leave it as JSON for the record; see run.py."
function report(this_run, weights, outputs, accuracy = nothing)
    python(
        raw"""
        run = common.Run(*asked["identity"])
        run._device, run._weights_source = asked["device"], asked["weights_source"]
        run.start_clock(asked["examples"])
        run.stopwatch.epoch_seconds = asked["epoch_seconds"]
        run.stopwatch.losses = asked["losses"]
        run.stopwatch.started, run.stopwatch.stopped = asked["clock"]
        outputs = given.pop("outputs")
        run.report(given, outputs, asked["accuracy"])
        """;
        arrays = merge(Dict{String,Any}(weights), Dict{String,Any}("outputs" => outputs)),
        identity = this_run.identity,
        device = this_run.device,
        weights_source = this_run.weights_source,
        examples = this_run.examples,
        epoch_seconds = this_run.epoch_seconds,
        losses = this_run.losses,
        clock = [this_run.started, this_run.stopped],
        accuracy = accuracy,
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

"""
A value as JSON; what is neither number, list nor dictionary is written as text. Numbers that are
not finite are written as Python's `json` reads them.
"""
json(value::JSON) = value.text
json(::Nothing) = "null"
json(value::Bool) = string(value)
json(value::Real) =
    isfinite(value) ? string(value) : isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
json(value::AbstractString) = "\"" * join(map(json_character, collect(value))) * "\""
json_character(c) =
    c in ('"', '\\') ? "\\$c" :
    iscntrl(c) ? "\\u" * string(UInt32(c); base = 16, pad = 4) : string(c)
json(values::AbstractVector) = "[" * join((json(v) for v in values), ", ") * "]"
json(values::AbstractDict) =
    "{" * join((json(string(k)) * ": " * json(v) for (k, v) in values), ", ") * "}"
json(value) = json(string(value))

end
