/** How well a name answers what was typed: 0 is best, null is not at all. */
export function rank(name: string, typed: string): number | null {
  const text = name.toLowerCase()
  const needle = typed.trim().toLowerCase()
  if (!needle) return 0
  if (text.startsWith(needle)) return 0
  const at = text.indexOf(needle)
  if (at > 0) return /[^a-z0-9]/.test(text[at - 1] ?? '') ? 1 : 2
  return isScattered(text, needle) ? 3 : null
}

/** "shapi" finds "shop-api-1": its letters appear in this order. */
function isScattered(text: string, needle: string): boolean {
  let from = 0
  for (const letter of needle) {
    if (letter === ' ') continue
    const at = text.indexOf(letter, from)
    if (at === -1) return false
    from = at + 1
  }
  return true
}
