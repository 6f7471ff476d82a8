// What notebooks in JavaScript import: images, batches, weights, the clock and the record.
//
// The sibling of the Python package in this folder, for Deno. It lets that package do the work,
// in a Python that has NumPy (the environment variable ROSETTA_PYTHON names it, else python3), so
// that data and weights are the same bits. Arrays come over as .npy files; here one is
// { data, dims }: a Float32Array in C order, and its sizes.

const ROOT = `${import.meta.dirname}/..`;

const BEFORE = `
import json, os, sys
import numpy as np
root, folder, asked = sys.argv[1:]
sys.path.insert(0, root)
import common
asked = json.loads(asked)
given = {name[:-4]: np.load(os.path.join(folder, name)) for name in os.listdir(folder)}
answer, told = {}, None
`;
const AFTER = `
for name, array in answer.items():
    array = np.ascontiguousarray(array, np.float32)
    np.save(os.path.join(folder, name + ".npy"), array)
with open(os.path.join(folder, "told.json"), "w", encoding="utf-8") as file:
    json.dump(told, file)
`;
const PROGRAMS = {
  images: `answer["x"] = common.load_images(asked["kind"], channels_first=True)`,
  versions: `
run = common.Run(*asked["identity"])
run.show_versions(asked["device"], **asked["versions"])
told = run._device
`,
  weights: `
answer = common.Run(*asked["identity"]).initial_weights(asked["seed"])
told = answer.source
`,
  report: `
run = common.Run(*asked["identity"])
run._device, run._weights_source = asked["device"], asked["weightsSource"]
run.start_clock(asked["examples"])
run.stopwatch.epoch_seconds = asked["seconds"]
run.stopwatch.started, run.stopwatch.stopped = asked["clock"]
outputs = given.pop("outputs")
run.report(given, outputs)
`,
};

/** The test images: 32-bit floating-point numbers (n, 3, 224, 224). */
export function loadImages(kind) {
  return python("images", { kind }).arrays.x;
}

/** The examples from `start` up to `end` of an array; a view, nothing is copied. */
export function examples({ data, dims: [n, ...rest] }, start, end) {
  end = Math.min(end, n);
  const size = rest.reduce((product, dim) => product * dim, 1);
  return {
    data: data.subarray(start * size, end * size),
    dims: [end - start, ...rest],
  };
}

/** Batches in order, the last of which may be smaller. */
export function* batches(x, batchsize) {
  for (let start = 0; start < x.dims[0]; start += batchsize) {
    yield examples(x, start, start + batchsize);
  }
}

/** One array of all examples of several. */
export function concatenate(arrays) {
  const n = arrays.reduce((sum, { dims }) => sum + dims[0], 0);
  const dims = [n, ...arrays[0].dims.slice(1)];
  const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
  let place = 0;
  for (const array of arrays) {
    data.set(array.data, place);
    place += array.data.length;
  }
  return { data, dims };
}

/** Throw an error that names the first difference, unless both hold the same bits. */
export function assertSameWeights(actual, expected) {
  const names = new Set([...Object.keys(actual), ...Object.keys(expected)]);
  for (const name of names) {
    const [a, b] = [actual[name], expected[name]];
    if (!a || !b) throw new Error(`names differ: ${name}`);
    if (`${a.dims}` !== `${b.dims}`) {
      throw new Error(`${name}: shape ${a.dims}, expected ${b.dims}`);
    }
    const [found, wanted] = [bits(a), bits(b)];
    if (!found.every((word, place) => word === wanted[place])) {
      throw new Error(`${name}: values differ`);
    }
  }
}

function bits({ data }) {
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

/**
 * One run of one notebook, from its parameters to its record; the sibling of Run in run.py.
 *
 *     const run = new Run(FRAMEWORK, "Inference", DATA, PRECISION, BATCHSIZE);
 *     run.showVersions("cpu", { Deno: Deno.version.deno });
 *     const weights = run.initialWeights(SEED);
 *     run.startClock(images.dims[0]);
 *     ...
 *     run.stopClock();
 *     run.report(weights, outputs);
 */
export class Run {
  #identity;
  #device = {};
  #weightsSource = null;
  #examples = 0;
  #seconds = [];
  #clock = [0, 0]; // seconds since 1970
  #reading = 0;

  constructor(framework, model, data, precision, batchsize) {
    this.#identity = [framework, model, data, precision, batchsize];
  }

  /** Print what a result depends on; give the framework's version first. */
  showVersions(device, versions) {
    const asked = { identity: this.#identity, device, versions };
    this.#device = python("versions", asked).told;
  }

  /** The weights that every framework starts from, by common name. */
  initialWeights(seed) {
    const { arrays, told } = python("weights", { identity: this.#identity, seed });
    this.#weightsSource = told;
    return arrays;
  }

  /** Start the clock; `examples` is how many images are predicted. */
  startClock(examples) {
    this.#examples = examples;
    this.#seconds = [];
    this.#clock = [Date.now() / 1000, Date.now() / 1000];
    this.#reading = performance.now();
  }

  /** Read the clock after inference. */
  stopClock() {
    this.#seconds.push((performance.now() - this.#reading) / 1000);
    this.#clock[1] = Date.now() / 1000;
  }

  /** Print the result and, under the runner, leave it as JSON for the record. */
  report(weights, outputs) {
    const asked = {
      identity: this.#identity,
      device: this.#device,
      weightsSource: this.#weightsSource,
      examples: this.#examples,
      seconds: this.#seconds,
      clock: this.#clock,
    };
    python("report", asked, { ...weights, outputs });
  }
}

/**
 * Run a Python program that finds `asked` and, in `given`, arrays by name, and may fill `answer`
 * with arrays and `told` with anything that JSON can say. Prints what it prints.
 */
function python(program, asked, given = {}) {
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, array] of Object.entries(given)) {
      writeNpy(`${folder}/${name}.npy`, array);
    }
    const interpreter = Deno.env.get("ROSETTA_PYTHON") ?? "python3";
    const code = BEFORE + PROGRAMS[program] + AFTER;
    const command = new Deno.Command(interpreter, {
      args: ["-c", code, ROOT, folder, JSON.stringify(asked)],
    });
    const { success, stdout, stderr } = command.outputSync();
    const [said, errors] = [stdout, stderr].map((text) =>
      new TextDecoder().decode(text)
    );
    if (said) console.log(said.trimEnd());
    if (!success) {
      throw new Error(`${interpreter}: ${errors.trim().split("\n").at(-1)}`);
    }
    if (errors) console.error(errors.trimEnd());
    const arrays = {};
    for (const { name } of Deno.readDirSync(folder)) {
      const array = name.replace(/\.npy$/, "");
      if (array !== name && !(array in given)) {
        arrays[array] = readNpy(`${folder}/${name}`);
      }
    }
    return { arrays, told: JSON.parse(Deno.readTextFileSync(`${folder}/told.json`)) };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** The float32 array of a .npy file, version 1, in C order. */
function readNpy(path) {
  const { buffer } = Deno.readFileSync(path);
  const length = new DataView(buffer).getUint16(8, true);
  const header = new TextDecoder().decode(new Uint8Array(buffer, 10, length));
  if (!/'descr': '<f4', 'fortran_order': False/.test(header)) {
    throw new Error(`${path} has no 32-bit floating-point numbers in C order`);
  }
  const dims = header.match(/'shape': \((.*?)\)/)[1].match(/\d+/g) ?? [];
  return { data: new Float32Array(buffer, 10 + length), dims: dims.map(Number) };
}

function writeNpy(path, { data, dims }) {
  const shape = dims.map((dim) => `${dim},`).join("");
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape})}`;
  const length = "v\x00"; // 118, the header's, as two bytes
  const start = `NUMPY\x01\x00${length}${header.padEnd(117)}\n`;
  const bytes = new Uint8Array(128 + data.byteLength);
  bytes[0] = 0x93;
  bytes.set(new TextEncoder().encode(start), 1);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 128);
  Deno.writeFileSync(path, bytes);
}
