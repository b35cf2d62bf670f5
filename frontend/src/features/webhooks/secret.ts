const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** 43 letters out of 64: 258 bits, more than any signature takes in. */
export function makeSecret(): string {
  return [...crypto.getRandomValues(new Uint8Array(43))].map((byte) => LETTERS[byte % 64]).join('')
}
