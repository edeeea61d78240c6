// A table from digests to a value and to a queue of values. It has the memory from HEAP on to itself:
//
//   slots     twice as many u32 as there can be records, open addressing, linear probing: 0 or 1 + a record's number
//   records   48 bytes each: digest (32), value, flags, first and last of its queue
//
// A value in a queue takes a record of its own, of which only `value` and `first` (the next one) are used; once
// taken it is used again. A digest's record stays until the table is cleared. When all records are used, the table
// doubles: the records move up in one piece, and the slots are filled anew.

import { HEAP, reserve } from "./layout";

/** Where the digest of every call lies, 32 bytes. */
export const KEY: usize = memory.data(32, 16);

// @ts-ignore: decorator
@inline const RECORD: usize = 48;
// @ts-ignore: decorator
@inline const VALUE: usize = 32;
// @ts-ignore: decorator
@inline const FLAGS: usize = 36;
// @ts-ignore: decorator
@inline const FIRST: usize = 40;
// @ts-ignore: decorator
@inline const LAST: usize = 44;
// @ts-ignore: decorator
@inline const IS_KEY: u32 = 1;
// @ts-ignore: decorator
@inline const HAS_VALUE: u32 = 2;

/** How many records there can be, a power of two. */
let capacity: u32 = 0;
/** How many were ever used since `beginIndex`. */
let used: u32 = 0;
/** 1 + the number of the first record that can be used again, each naming the next as its `first`; or 0. */
let spare: u32 = 0;

// @ts-ignore: decorator
@inline function record(number: u32): usize {
  return HEAP + (<usize>capacity << 3) + <usize>number * RECORD;
}

/** Empties the table, with room for `records`, a power of two. False when the memory doesn't suffice. */
export function beginIndex(records: u32): bool {
  const end = HEAP + (<usize>records << 3) + <usize>records * RECORD;
  if (!reserve(end)) return false;
  capacity = records;
  used = 0;
  spare = 0;
  memory.fill(HEAP, 0, <usize>records << 3);
  return true;
}

/** The slot of the digest at `digest`: the one that names its record, or the empty one where it would. */
function slotOf(digest: usize): usize {
  const mask = (capacity << 1) - 1;
  const low = v128.load(digest), high = v128.load(digest, 16);
  let i = load<u32>(digest) & mask;
  while (true) {
    const slot = HEAP + (<usize>i << 2);
    const named = load<u32>(slot);
    if (named == 0) return slot;
    const other = record(named - 1);
    const difference = v128.or(v128.xor(low, v128.load(other)), v128.xor(high, v128.load(other, 16)));
    if (!v128.any_true(difference)) return slot;
    i = (i + 1) & mask;
  }
}

function double(): bool {
  const old = record(0);
  if (!reserve(HEAP + (<usize>capacity << 4) + (<usize>capacity << 1) * RECORD)) return false;
  capacity <<= 1;
  memory.copy(record(0), old, <usize>used * RECORD);
  memory.fill(HEAP, 0, <usize>capacity << 3);
  for (let i: u32 = 0; i < used; i++) {
    if (load<u32>(record(i), FLAGS) & IS_KEY) store<u32>(slotOf(record(i)), i + 1);
  }
  return true;
}

/** Makes sure that `records` more can be used, 1 or 2. */
function room(records: u32): bool {
  return used + records <= capacity || double();
}

/** The record of KEY, made if there is none; there must be room. */
function own(): usize {
  const slot = slotOf(KEY);
  const named = load<u32>(slot);
  if (named != 0) return record(named - 1);
  const fresh = record(used);
  store<u32>(slot, ++used);
  v128.store(fresh, v128.load(KEY));
  v128.store(fresh, v128.load(KEY, 16), 16);
  store<u32>(fresh, IS_KEY, FLAGS);
  store<u32>(fresh, 0, FIRST);
  return fresh;
}

/** The value of KEY, or -1. */
export function get(): f64 {
  const named = load<u32>(slotOf(KEY));
  if (named == 0) return -1;
  const found = record(named - 1);
  return load<u32>(found, FLAGS) & HAS_VALUE ? <f64>load<u32>(found, VALUE) : -1;
}

/** Gives KEY a value. Returns how many values more there are, 0 or 1; -1 when the memory doesn't suffice. */
export function set(value: u32): i32 {
  if (!room(1)) return -1;
  const mine = own();
  const flags = load<u32>(mine, FLAGS);
  store<u32>(mine, value, VALUE);
  store<u32>(mine, flags | HAS_VALUE, FLAGS);
  return flags & HAS_VALUE ? 0 : 1;
}

/** Puts a value at the end of KEY's queue. False when the memory doesn't suffice. */
export function add(value: u32): bool {
  if (!room(2)) return false;
  const mine = own();
  let number = spare;
  if (number != 0) spare = load<u32>(record(number - 1), FIRST);
  else number = ++used;
  const node = record(number - 1);
  store<u32>(node, value, VALUE);
  store<u32>(node, 0, FLAGS);
  store<u32>(node, 0, FIRST);
  if (load<u32>(mine, FIRST) == 0) store<u32>(mine, number, FIRST);
  else store<u32>(record(load<u32>(mine, LAST) - 1), number, FIRST);
  store<u32>(mine, number, LAST);
  return true;
}

/** Takes the first value of KEY's queue, or -1. */
export function take(): f64 {
  const named = load<u32>(slotOf(KEY));
  if (named == 0) return -1;
  const mine = record(named - 1);
  const number = load<u32>(mine, FIRST);
  if (number == 0) return -1;
  const node = record(number - 1);
  store<u32>(mine, load<u32>(node, FIRST), FIRST);
  store<u32>(node, spare, FIRST);
  spare = number;
  return <f64>load<u32>(node, VALUE);
}
