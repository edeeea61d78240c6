/**
 * What agent and server send: JSON of about 10 KB that compresses as prose does, from a generator of its own,
 * so that neither side draws anything.
 */

const WORDS =
  ("the a to of and in that it was for on with as at by from file test function error value returns " +
    "when then should would parser stream token request response header cache index buffer module import export " +
    "check update write read line number string array object option default missing expected actual because however " +
    "instead directory command output result pattern match branch commit change merge build deploy config schema")
    .split(" ");

/** Numbers from 0 to 1, the same for the same seed. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Prose of `length` characters. */
export function prose(length: number, next: () => number): string {
  let text = "";
  while (text.length < length) {
    text += `${WORDS[Math.floor(next() * WORDS.length)]}${next() < 0.1 ? ". " : " "}`;
  }
  return text.slice(0, length);
}

/** Steps after which a conversation starts anew. */
const STEPS = 20;

/** Request bodies of an agent that sends its whole conversation again at every step: 6 to 14 KB, 10 KB at the mean. */
export function conversation(count: number): string[] {
  const next = dice(1);
  const system = prose(5_600, next);
  const bodies: string[] = [];
  let messages: { role: string; content: string }[] = [];
  for (let i = 0; i < count; i++) {
    if (i % STEPS === 0) messages = [];
    messages.push({ role: messages.length % 2 === 0 ? "user" : "assistant", content: prose(375, next) });
    bodies.push(JSON.stringify({ model: "bench", max_tokens: 1024, system, messages }));
  }
  return bodies;
}

/** New text of each step of a growing conversation, in characters. */
export const GROWTH = 2_500;

/** Bodies of an agent whose conversation grows by GROWTH at every step; ASCII. */
export function* growing(steps: number): Generator<string, undefined> {
  const next = dice(2);
  const system = prose(2_000, next);
  const messages: { role: string; content: string }[] = [];
  for (let i = 0; i < steps; i++) {
    // What JSON adds to a message is in the figure.
    const role = i % 2 === 0 ? "user" : "assistant";
    messages.push({ role, content: prose(GROWTH - 36, next) });
    yield JSON.stringify({ model: "bench", max_tokens: 1024, system, messages });
  }
}
