/**
 * An agent on OpenAI's chat completions, over plain `fetch`: three questions, streamed when its first argument is
 * `stream`. It prints each answer, what it was finished by, and the kinds of frames that came.
 *
 * Reads OPENAI_BASE_URL and OPENAI_API_KEY.
 */
import process from "node:process";

const streamed = process.argv[2] === "stream";
const messages = [];
for (const question of ["one?", "two?", "three?"]) {
  messages.push({ role: "user", content: question });
  const response = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${process.env.OPENAI_API_KEY}` },
    body: JSON.stringify({ model: "gpt-5", messages, stream: streamed }),
  });
  const body = await response.text();
  let text = "";
  let finish;
  if (streamed) {
    const frames = body.split("\n\n").filter(Boolean).map((event) => event.slice("data: ".length));
    if (frames.pop() !== "[DONE]") throw new Error("the stream has no end");
    for (const frame of frames.map((each) => JSON.parse(each))) {
      if (frame.object !== "chat.completion.chunk") throw new Error(`a frame of ${frame.object}`);
      text += frame.choices[0]?.delta.content ?? "";
      finish = frame.choices[0]?.finish_reason ?? finish;
    }
  } else {
    const answer = JSON.parse(body);
    text = answer.choices[0].message.content;
    finish = answer.choices[0].finish_reason;
  }
  console.log(`${text} (${finish})`);
  messages.push({ role: "assistant", content: text });
}
