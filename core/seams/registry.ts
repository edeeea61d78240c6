/**
 * The one place that changes the platform. It refuses to patch the same thing twice, keeps what a caller can
 * see of a function (name, length, own properties, source text), and can undo everything.
 */

// deno-lint-ignore no-explicit-any -- patches take any function of the platform
export type AnyFunction = (...args: any[]) => any;
type Key = string | symbol;

const nativeToString = Function.prototype.toString;
/** Replacement to original, for `Function.prototype.toString`. Shared by all registries of a process. */
const originals = new WeakMap<object, object>();

/** What the platform had in the place of `fn`, which may have been replaced more than once. */
function originalOf(fn: unknown): unknown {
  const before = originals.get(fn as object);
  return before === undefined ? fn : originalOf(before);
}

/** Gives `replacement` the outer looks of `original`. */
export function disguise<F extends object>(replacement: F, original: object): F {
  for (const key of Reflect.ownKeys(original)) {
    if (key === "prototype" || key === "arguments" || key === "caller") continue;
    const descriptor = Object.getOwnPropertyDescriptor(original, key)!;
    const own = Object.getOwnPropertyDescriptor(replacement, key);
    // Symbols (`util.promisify.custom`) stay configurable: a seam may have to answer them itself.
    const loose = typeof key === "symbol" ? { ...descriptor, configurable: true } : descriptor;
    if (own === undefined || own.configurable) Object.defineProperty(replacement, key, loose);
  }
  // An `async` function is of a class of its own.
  const prototype = Object.getPrototypeOf(original) as object | null;
  if (Object.getPrototypeOf(replacement) !== prototype) Object.setPrototypeOf(replacement, prototype);
  originals.set(replacement, original);
  return replacement;
}

/** A proxy of a class prints as the class. */
export function printsAs<F extends object>(proxy: F, original: object): F {
  originals.set(proxy, original);
  return proxy;
}

/** A method without `prototype` and `[[Construct]]`, as the platform's own functions are. */
export function plain<F extends AnyFunction>(body: F): F {
  return {
    f(this: unknown, ...args: unknown[]) {
      return Reflect.apply(body, this, args);
    },
  }.f as unknown as F;
}

/** A function with a `prototype` where the original has one, as those of Node that are written in JavaScript. */
export function shapedLike(value: AnyFunction, original: AnyFunction): AnyFunction {
  if (!Object.hasOwn(original, "prototype") || Object.hasOwn(value, "prototype")) return value;
  return function (this: unknown, ...args: unknown[]) {
    return Reflect.apply(value, this, args);
  };
}

/** A getter without `prototype`, as the platform's are. */
function asGetter(body: () => unknown): () => unknown {
  const holder = {
    get value(): unknown {
      return Reflect.apply(body, this, []);
    },
  };
  return Object.getOwnPropertyDescriptor(holder, "value")!.get!;
}

/** Where on the prototype chain of `target` the property stands, or undefined. */
export function ownerOf(target: object, key: Key): object | undefined {
  for (let at: object | null = target; at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, key)) return at;
  }
  return undefined;
}

/** See the head of this file. */
export class PatchRegistry {
  readonly #patched = new WeakMap<object, Set<Key>>();
  readonly #undo: (() => void)[] = [];

  constructor() {
    // A function that was patched still prints as the platform's own.
    this.method(Function.prototype, "toString", (original) =>
      function toString(this: unknown) {
        return Reflect.apply(original, originalOf(this), []);
      });
  }

  #claim(target: object, key: Key): PropertyDescriptor | undefined {
    const descriptor = Object.getOwnPropertyDescriptor(target, key);
    if (descriptor === undefined) return undefined;
    const keys = this.#patched.get(target) ?? new Set();
    if (keys.has(key)) throw new Error(`Cannot patch ${String(key)}: it is patched already`);
    keys.add(key);
    this.#patched.set(target, keys);
    this.#undo.push(() => Object.defineProperty(target, key, descriptor));
    return descriptor;
  }

  #define(target: object, key: Key, descriptor: PropertyDescriptor): boolean {
    try {
      Object.defineProperty(target, key, descriptor);
      return true;
    } catch {
      try {
        (target as Record<Key, unknown>)[key] = descriptor.value;
        return (target as Record<Key, unknown>)[key] === descriptor.value;
      } catch {
        return false;
      }
    }
  }

  /**
   * Replaces the function `target[key]`, own or inherited (then on its owner). False where there is none.
   */
  method(target: object, key: Key, make: (original: AnyFunction) => AnyFunction): boolean {
    const owner = ownerOf(target, key);
    if (owner === undefined) return false;
    const current = Object.getOwnPropertyDescriptor(owner, key);
    const original = current?.get === undefined ? current?.value : Reflect.get(owner, key, target);
    if (typeof original !== "function") return false;
    const descriptor = this.#claim(owner, key)!;
    const value = disguise(shapedLike(make(original), original), original);
    if (descriptor.get === undefined) return this.#define(owner, key, { ...descriptor, value });
    return this.#define(owner, key, this.#accessor(descriptor, value));
  }

  /** An accessor stays one: what it is asked for is the replacement, until the program sets another. */
  #accessor(descriptor: PropertyDescriptor, value: unknown): PropertyDescriptor {
    return { ...descriptor, get: disguise(asGetter(() => value), descriptor.get!) };
  }

  /** Puts a function of its own before one that `target` inherits. */
  own(target: object, key: Key, make: (original: AnyFunction) => AnyFunction): void {
    const original = Reflect.get(target, key) as AnyFunction;
    this.add(target, key, disguise(shapedLike(make(original), original), original));
  }

  /** Replaces a value that is no plain function (a class). */
  value<T>(target: object, key: Key, make: (original: T) => T): boolean {
    const descriptor = this.#claim(target, key);
    if (descriptor === undefined) return false;
    const original = (descriptor.get === undefined ? descriptor.value : Reflect.get(target, key)) as T;
    const value = make(original);
    if (descriptor.get !== undefined && descriptor.configurable === true) {
      return this.#define(target, key, this.#accessor(descriptor, value));
    }
    return this.#define(target, key, {
      value,
      writable: true,
      configurable: descriptor.configurable ?? true,
      enumerable: descriptor.enumerable ?? false,
    });
  }

  /** Replaces the getter of `target[key]`, own or inherited. False where there is none. */
  getter(target: object, key: Key, make: (original: () => unknown) => () => unknown): boolean {
    const owner = ownerOf(target, key);
    const found = owner && Object.getOwnPropertyDescriptor(owner, key);
    const get = found?.get;
    if (owner === undefined || get === undefined || found?.configurable !== true) return false;
    const descriptor = this.#claim(owner, key)!;
    return this.#define(owner, key, { ...descriptor, get: disguise(asGetter(make(get)), get) });
  }

  /** Adds a hidden property that was not there. */
  add(target: object, key: Key, value: unknown): void {
    Object.defineProperty(target, key, { value, configurable: true, writable: true });
    this.#undo.push(() => Reflect.deleteProperty(target, key));
  }

  /** Puts everything back, last patch first. */
  undoAll(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }
}

/** The platform's own `Function.prototype.toString`, for whoever must see through a disguise. */
export function trueSource(fn: AnyFunction): string {
  return Reflect.apply(nativeToString, fn, []);
}
