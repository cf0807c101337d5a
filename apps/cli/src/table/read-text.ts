/** The text of a table's file: encodings that spreadsheets write, and files that are no text. */
import { readFile } from 'node:fs/promises';
import { InputError } from '../failure.ts';

export interface TextFile {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Reads a text file, or says in one sentence why it cannot. */
export async function readText(file: string): Promise<TextFile> {
  const bytes = await readBytes(file);
  return { text: decode(file, bytes), bytes };
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new InputError(`${file}: ${whyUnreadable(error)}.`);
  }
}

function whyUnreadable(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'EISDIR':
      return 'this is a folder, not a table; name a file in it';
    case 'EACCES':
    case 'EPERM':
      return 'permission to read it is denied';
    default:
      return `it cannot be read (${error instanceof Error ? error.message : String(error)})`;
  }
}

function decode(file: string, bytes: Uint8Array): string {
  const utf16 = utf16Label(bytes);
  if (utf16 !== undefined) return new TextDecoder(utf16).decode(bytes);
  if (looksBinary(bytes)) {
    throw new InputError(`${file}: this is not a text file; save the table as CSV.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // older spreadsheets on Windows write their own 8-bit encoding
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function utf16Label(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return undefined;
}

/** A byte that no text holds: NUL and the control codes other than tab, line ends, form feed, escape. */
function looksBinary(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, 65_536);
  return head.some((byte) => byte < 9 || (byte > 13 && byte < 27) || byte === 127);
}
