/**
 * Gemini's generateContent and streamGenerateContent, also behind Vertex. Documented at
 * ai.google.dev/api/generate-content. Of several candidates only the first is read.
 */

import {
  answerOf,
  type Block,
  block,
  errorIn,
  type Json,
  lastUserText,
  numberIn,
  objectIn,
  objectsIn,
  textIn,
  type Usage,
  usageOf,
  type WireFormat,
  wordIn,
} from "./read_shape.ts";

function blockOf(part: Json): Block {
  if (typeof part.text === "string") return block(part.thought === true ? "thinking" : "text", part.text);
  if (part.functionCall === undefined) return block("other");
  const { id, name, args } = objectIn(part.functionCall);
  return block("call", JSON.stringify(args ?? {}), textIn(id), textIn(name));
}

function usageFrom(counts: Json): Usage | undefined {
  const prompt = numberIn(counts.promptTokenCount);
  // What built-in tools brought in is counted apart, and so is what the model thought.
  const input = prompt === undefined ? undefined : prompt + (numberIn(counts.toolUsePromptTokenCount) ?? 0);
  const said = numberIn(counts.candidatesTokenCount);
  const thought = numberIn(counts.thoughtsTokenCount);
  const total = numberIn(counts.totalTokenCount);
  const output = said !== undefined || thought !== undefined
    ? (said ?? 0) + (thought ?? 0)
    : input !== undefined && total !== undefined
    ? Math.max(0, total - input)
    : undefined;
  return usageOf(input, output, numberIn(counts.cachedContentTokenCount));
}

function isAnswer(frame: Json): boolean {
  return Array.isArray(frame.candidates) || typeof frame.promptFeedback === "object";
}

/** See the head of this file. */
export const GEMINI: WireFormat = {
  provider: "gemini",
  api: "generateContent",
  path: /\/(?:models|tunedModels)\/([^/:]+):(?:generateContent|streamGenerateContent)$/,

  readRequest({ contents, tools }) {
    if (!Array.isArray(contents)) return undefined;
    return {
      messages: contents.length,
      lastUserText: lastUserText(objectsIn(contents), ({ parts }) => parts, undefined),
      tools: objectsIn(tools).flatMap((tool) =>
        Object.entries(tool).flatMap(([key, value]) =>
          key === "functionDeclarations" || key === "function_declarations"
            ? objectsIn(value).map(({ name }) => textIn(name))
            : [key]
        )
      ),
    };
  },

  readResponse(frames) {
    if (!frames.some(isAnswer)) return undefined;
    const blocks: Block[] = [];
    let counts: Json = {};
    let stopReason: string | undefined;
    let error: string | undefined;
    for (const frame of frames) {
      for (const candidate of objectsIn(frame.candidates)) {
        if ((numberIn(candidate.index) ?? 0) !== 0) continue;
        blocks.push(...objectsIn(objectIn(candidate.content).parts).map(blockOf));
        stopReason = wordIn(candidate.finishReason) ?? stopReason;
      }
      stopReason = wordIn(objectIn(frame.promptFeedback).blockReason) ?? stopReason;
      // Each frame counts all that came before it, too.
      counts = { ...counts, ...objectIn(frame.usageMetadata) };
      if (frame.error !== undefined) error = errorIn(frame.error);
    }
    // Counts of a stream that never came to its end are not those of the answer.
    const usage = stopReason === undefined ? undefined : usageFrom(counts);
    return answerOf("generateContent", blocks, { usage, stopReason, error });
  },
};
