// Steps in JavaScript. What to do is the argument, else what the Task's context says in `do`.
import { run, StepError } from "./contract.mjs";

const steps = {
  // The example's steps.
  count_words({ context }) {
    const words = context.text.split(/\s+/).filter(Boolean).length;
    if (words === 0) {
      throw new StepError("the text has no words", { type: "EmptyText", code: "NO_WORDS", retryable: false });
    }
    return { words };
  },
  longest_word({ context }) {
    const words = context.text.split(/[^\p{L}\p{N}]+/u);
    return { word: words.reduce((longest, word) => (word.length > longest.length ? word : longest), "") };
  },
  report({ results }) {
    return { report: `${results.count_words.words} words, the longest is ${results.longest_word.word}` };
  },

  // What the conformance test asks of a program, whatever its language (docs/step-contract.md).
  return: ({ context }) => context.value,
  repeat: ({ context }) => context.unit.repeat(context.times),
  fail({ context: { error, exitCode } }) {
    throw new StepError(error.message, { ...error, exitCode });
  },
  exit: ({ context }) => process.exit(context.exitCode),
  previous: ({ context, results }) => results[context.step],
  describe({ task, step, attempt, idempotencyKey }) {
    const { KUBESAGA_TASK, KUBESAGA_STEP, KUBESAGA_ATTEMPT, KUBESAGA_IDEMPOTENCY_KEY } = process.env;
    return {
      input: { task: task.name, step: step.name, attempt, idempotencyKey },
      environment: {
        task: KUBESAGA_TASK,
        step: KUBESAGA_STEP,
        attempt: KUBESAGA_ATTEMPT,
        idempotencyKey: KUBESAGA_IDEMPOTENCY_KEY,
      },
    };
  },
  undo: ({ forward, compensationKey }) => ({ undone: forward.result, key: compensationKey }),
  wait() {
    console.log("waiting");
    return new Promise((resolve) => setTimeout(resolve, 600_000));
  },
};

await run((input) => {
  const name = process.argv[2] ?? input.context.do;
  if (!Object.hasOwn(steps, name)) {
    throw new StepError(`this handler has no command ${name}`, { type: "UnknownCommand", retryable: false });
  }
  return steps[name](input);
});
