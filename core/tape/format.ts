/**
 * The numbers that name the tape format, and what a chain starts from. A reader refuses what is newer than
 * FORMAT; a file says in `user_version` what it is and in its `meta` table what a reader must know at least.
 */

import { utf8 } from "../base/bytes.ts";

/** The format that this program writes. */
export const FORMAT = 2;
/** The least format number that a reader must know to read what this program writes. */
export const MIN_READER = 2;
/** SQLite `application_id`: "TFRK". */
export const APPLICATION_ID = 0x5446524b;

/** The rule by which events are encoded and chained. Not the file's format: an older file keeps its links. */
const CHAIN = 1;

/**
 * What a lane's chain starts from: `chain[0] = sha256(header)`. It holds nothing that differs between two
 * runs that did the same, so that a branch shares its parent's links.
 */
export function chainHeader(lane: number): Uint8Array {
  return utf8(`tracefork tape ${CHAIN} lane ${lane}\n`);
}
