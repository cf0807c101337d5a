/** Opcodes of the WebAssembly threads proposal, behind the prefix 0xFE. */
export const atomic = {
  notify: 0x00,
  wait32: 0x01,
  load: 0x10,
  store: 0x17,
  add: 0x1e,
  sub: 0x25,
  compareExchange: 0x48,
} as const;
