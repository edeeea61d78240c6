/**
 * A plausible value for a JSON schema, so that the embedded model can call any tool that an agent offers.
 *
 * It honours `const`, `enum`, `default`, `examples`, `type`, `required`, `format`, the numeric and length limits,
 * `anyOf`/`oneOf`/`allOf` and local `$ref`. It can't satisfy `pattern`, `not` or `if`. What it makes up is harmless
 * when a tool really does it: commands only echo, files are a scratch name, hosts are reserved ones.
 */
import type { Dice } from "./dice.ts";

type Schema = Record<string, unknown>;

/** What a value may be made of besides chance. */
export interface SampleContext {
  readonly dice: Dice;
  /** Words for free text, taken from the conversation. */
  readonly words: readonly string[];
  /** Ids seen in tool results, newest last: a later tool asks for what an earlier one returned. */
  readonly ids: readonly string[];
}

const TEXT_BY_NAME: readonly (readonly [RegExp, (context: SampleContext) => string])[] = [
  [/(^|_)(id|ref|confirmation|booking|ticket)$|[a-z]Id$/, (c) => c.ids.at(-1) ?? `ref-${c.dice.word(8)}`],
  [/command|cmd|script|code|expression/i, (c) => `echo "hello ${c.dice.word(6)} 👋"`],
  [/path|file|folder|directory/i, () => "tracefork-scratch.txt"],
  [/url|uri|link/i, (c) => `https://example.com/${c.dice.word(6)}`],
  [/e?mail/i, (c) => `${c.dice.word(6).toLowerCase()}@example.com`],
  [
    /city|place|town|location|destination|origin/i,
    (c) => c.dice.pick(["Kyōto 京都", "Lisboa", "Łódź", "Reykjavík"]),
  ],
  [/country/i, (c) => c.dice.pick(["日本", "Portugal", "Ísland", "Polska"])],
  [/zone|tz$/i, (c) => c.dice.pick(["Asia/Tokyo", "Europe/Lisbon", "UTC"])],
  [/date|day/i, (c) => `2031-0${c.dice.int(1, 9)}-${c.dice.int(10, 28)}`],
  [
    /name|person|passenger|guest|user/i,
    (c) => c.dice.pick(["Amélie Dupont", "佐藤 花子", "Zoë Müller", "Ada Lovelace"]),
  ],
];

const TEXT_BY_FORMAT: Record<string, (dice: Dice) => string> = {
  date: (dice) => `2031-0${dice.int(1, 9)}-${dice.int(10, 28)}`,
  "date-time": (dice) =>
    `2031-0${dice.int(1, 9)}-${dice.int(10, 28)}T${dice.int(10, 23)}:${dice.int(10, 59)}:00Z`,
  time: (dice) => `${dice.int(10, 23)}:${dice.int(10, 59)}:00Z`,
  duration: (dice) => `PT${dice.int(1, 59)}M`,
  email: (dice) => `${dice.word(6).toLowerCase()}@example.com`,
  hostname: () => "example.com",
  ipv4: (dice) => `192.0.2.${dice.int(1, 254)}`,
  ipv6: () => "2001:db8::1",
  uri: (dice) => `https://example.com/${dice.word(6)}`,
  uuid: (dice) => {
    const hex = (length: number) => Array.from({ length }, () => dice.int(0, 15).toString(16)).join("");
    return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  },
};

/**
 * A value that satisfies `schema`.
 *
 * @param name the property that the value is for; it guides what a text is about
 * @param root where `$ref` starts from; the schema itself when left out
 */
export function sampleSchema(
  schema: Schema,
  context: SampleContext,
  name = "",
  root = schema,
  depth = 0,
): unknown {
  const { dice } = context;
  const again = (next: unknown, key = name) =>
    sampleSchema(isObject(next) ? next : {}, context, key, root, depth + 1);
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return dice.pick(schema.enum);
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return dice.pick(schema.examples);
  // A schema may refer to itself; below this depth whatever is optional is left out, and references end.
  if (typeof schema.$ref === "string") return depth > 12 ? null : again(follow(root, schema.$ref));
  if (Array.isArray(schema.allOf)) return again(merged(schema, schema.allOf.filter(isObject), root));
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices) && choices.length > 0) {
    return again({ ...schema, anyOf: undefined, oneOf: undefined, ...resolved(root, dice.pick(choices)) });
  }
  switch (typeOf(schema, dice)) {
    case "object":
      return sampleObject(schema, context, again, depth);
    case "array": {
      const least = limit(schema.minItems, depth > 4 ? 0 : Math.min(1, limit(schema.maxItems, 1)));
      const most = Math.min(limit(schema.maxItems, least + 2), least + 2);
      return Array.from({ length: depth > 4 ? least : dice.int(least, most) }, () => again(schema.items));
    }
    case "integer":
      return sampleNumber(schema, dice, true);
    case "number":
      return sampleNumber(schema, dice, false);
    case "boolean":
      return dice.chance(0.5);
    case "null":
      return null;
    default:
      return sampleText(schema, name, context);
  }
}

function sampleObject(
  schema: Schema,
  context: SampleContext,
  again: (schema: unknown, key: string) => unknown,
  depth: number,
): Schema {
  const required = Array.isArray(schema.required) ? schema.required as string[] : [];
  const properties = isObject(schema.properties) ? schema.properties : {};
  const value: Schema = {};
  for (const [key, property] of Object.entries(properties)) {
    if (required.includes(key) || (depth < 4 && context.dice.chance(0.5))) value[key] = again(property, key);
  }
  for (const key of required) if (!(key in value)) value[key] = again({}, key);
  return value;
}

function sampleNumber(schema: Schema, dice: Dice, whole: boolean): number {
  const step = limit(schema.multipleOf, whole ? 1 : 0.25);
  const gap = (exclusive: unknown) => typeof exclusive === "number" ? exclusive : undefined;
  const above = gap(schema.exclusiveMinimum), below = gap(schema.exclusiveMaximum);
  const top = below === undefined ? limit(schema.maximum, Infinity) : below - step / 2;
  const bottom = above === undefined ? limit(schema.minimum, Math.min(1, top)) : above + step / 2;
  const first = Math.ceil(bottom / step);
  const last = Math.min(Math.floor(top / step), first + 20);
  return dice.int(first, Math.max(first, last)) * step;
}

function sampleText(schema: Schema, name: string, context: SampleContext): string {
  const byFormat = TEXT_BY_FORMAT[String(schema.format)];
  if (byFormat !== undefined) return byFormat(context.dice);
  const byName = TEXT_BY_NAME.find(([pattern]) => pattern.test(name));
  const free = () => Array.from({ length: 3 }, () => context.dice.pick(context.words)).join(" ");
  let text = byName === undefined ? (context.words.length > 0 ? free() : "hello 👋") : byName[1](context);
  while (text.length < limit(schema.minLength, 0)) text += ` ${context.dice.word(4)}`;
  const most = limit(schema.maxLength, 200);
  return text.length <= most ? text : context.dice.word(most);
}

function typeOf(schema: Schema, dice: Dice): unknown {
  if (Array.isArray(schema.type)) {
    const types = schema.type.filter((type) => type !== "null");
    return types.length === 0 ? "null" : dice.pick(types);
  }
  return schema.type ??
    (isObject(schema.properties) ? "object" : schema.items === undefined ? "string" : "array");
}

function merged(schema: Schema, parts: readonly Schema[], root: Schema): Schema {
  const all = [{ ...schema, allOf: undefined }, ...parts.map((part) => resolved(root, part))];
  return {
    ...Object.assign({}, ...all),
    properties: Object.assign({}, ...all.map((part) => part.properties)),
    required: all.flatMap((part) => Array.isArray(part.required) ? part.required : []),
  };
}

function resolved(root: Schema, schema: unknown): Schema {
  if (!isObject(schema)) return {};
  return typeof schema.$ref === "string" ? resolved(root, follow(root, schema.$ref)) : schema;
}

function follow(root: Schema, reference: string): unknown {
  let at: unknown = root;
  for (const part of reference.replace(/^#\/?/, "").split("/").filter((part) => part !== "")) {
    at = isObject(at) ? at[part.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
  }
  return at;
}

function limit(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

function isObject(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
