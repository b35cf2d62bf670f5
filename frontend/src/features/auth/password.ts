export const MIN_PASSWORD_LENGTH = 10

/** Length is what makes a password hard to guess; signs and digits in a short one do not. 0 (too short) to 3. */
export function strength(password: string): 0 | 1 | 2 | 3 {
  const length = [...password].length
  if (length < MIN_PASSWORD_LENGTH) return 0
  const isMonotone = new Set(password.toLowerCase()).size < 5
  if (length < 14 || isMonotone) return 1
  return length < 20 ? 2 : 3
}
