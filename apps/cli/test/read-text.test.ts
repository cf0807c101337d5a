import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTable } from '../src/table/read-table.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'neuralode-table-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

test('UTF-16, as spreadsheets write it', async () => {
  const file = write('a.csv', Buffer.from('\uFEFFt\ta\n1\t2\n2\t3\n', 'utf16le'));
  expect((await readTable(file)).table.columns).toEqual(['a']);
});

test('8-bit letters in a header', async () => {
  const file = write('b.csv', Buffer.from('t,H\u00f6he\n1,2\n2,3\n', 'latin1'));
  expect((await readTable(file)).table.columns).toEqual(['Höhe']);
});

test('what is not a readable text file is refused', async () => {
  const missing = join(folder, 'missing.csv');
  await expect(readTable(missing)).rejects.toThrow(`${missing}: there is no such file.`);
  await expect(readTable(folder)).rejects.toThrow(
    `${folder}: this is a folder, not a table; name a file in it.`,
  );
  const binary = write('c.csv', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 1, 2));
  await expect(readTable(binary)).rejects.toThrow(
    `${binary}: this is not a text file; save the table as CSV.`,
  );
});
