// The step contract for Node.js: import it, and use the functions below. It needs no packages. docs/step-contract.md
// says what all of this is about.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const INLINE_BYTES = 4096;
const MOST_BYTES = 256 * 1024;
const CHUNK = 2048;

const resultFile = process.env.KUBESAGA_RESULT_FILE ?? "/dev/termination-log";

// The step's input, an object.
export const input = JSON.parse(
  process.env.KUBESAGA_INPUT_FILE
    ? readFileSync(process.env.KUBESAGA_INPUT_FILE, "utf8")
    : process.env.KUBESAGA_INPUT,
);

// A failure that says for itself whether another attempt can help, and when (seconds).
export class StepError extends Error {
  constructor(message, { type = "StepFailed", code, retryable = true, retryAfter, exitCode } = {}) {
    super(message);
    const document = { type, code, message, retryable, retryAfter };
    Object.assign(this, { document, exitCode: exitCode ?? (retryable ? 1 : 65) });
  }
}

// Run a step: what `work(input)` returns is its result, what it throws its error.
export async function run(work) {
  // A step is told to stop by SIGTERM, and must then not look as if it had succeeded.
  process.on("SIGTERM", () => process.exit(143));
  try {
    succeed(await work(input));
  } catch (error) {
    const known = error instanceof StepError ? error : new StepError(String(error), { type: error?.name });
    console.error(error);
    writeFileSync(resultFile, JSON.stringify({ error: known.document }));
    process.exitCode = known.exitCode;
  }
}

function succeed(result) {
  const document = Buffer.from(JSON.stringify({ result: result ?? null }));
  if (document.length > MOST_BYTES) {
    throw new StepError(
      `the result document has ${document.length} bytes, the limit is ${MOST_BYTES}: store the data elsewhere and ` +
        "return a reference to it",
      { type: "ResultTooLarge", retryable: false },
    );
  }
  writeFileSync(resultFile, document.length > INLINE_BYTES ? framed(document) : document);
}

// The document goes into the log, in numbered lines of their own; what is returned stands in the result file in its place.
function framed(document) {
  const sha256 = createHash("sha256").update(document).digest("hex");
  const text = document.toString("base64");
  for (let index = 0; index * CHUNK < text.length; index++) {
    const chunk = text.slice(index * CHUNK, (index + 1) * CHUNK);
    process.stdout.write(`\nkubesaga-result:${sha256.slice(0, 16)}:${index}:${chunk}\n`);
  }
  return JSON.stringify({ resultFrame: { bytes: document.length, sha256 } });
}
