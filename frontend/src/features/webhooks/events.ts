import { plain } from '@/lib/text'

export const EVERYTHING = '*'

/** `alert.*` covers `alert.fired`, and `*` covers all. */
export function covers(pattern: string, type: string): boolean {
  if (pattern === type || pattern === EVERYTHING) return true
  return pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))
}

/** What a search finds; the star is offered apart from the others. */
export function found(types: string[], search: string): string[] {
  const wanted = plain(search.trim())
  return types.filter((type) => type !== EVERYTHING && plain(type).includes(wanted))
}

/**
 * `chosen` with `type` added or taken away. What the new one covers, or what covered it, gives way; a subscription to
 * nothing would be none, so that is everything.
 */
export function toggled(chosen: string[], type: string): string[] {
  const others = chosen.filter((one) => !covers(type, one) && !covers(one, type))
  const next = chosen.includes(type) ? chosen.filter((one) => one !== type) : [...others, type]
  return next.length ? next : [EVERYTHING]
}
