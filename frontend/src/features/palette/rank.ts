import { plain } from '@/lib/text'

/** How well a name answers what was typed: 0 is best, null is not at all. */
export function rank(name: string, typed: string): number | null {
  const text = plain(name)
  const needle = plain(typed.trim())
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

const MAX_CHOICES = 30
const MAX_RECENT = 5
const ORDER = ['page', 'action', 'host', 'group', 'endpoint', 'heartbeat', 'certificate', 'container'] as const

interface Ranked {
  key: string
  kind: (typeof ORDER)[number]
  name: string
}

export interface Section<T> {
  name: 'recent' | 'found' | Ranked['kind']
  /** The place of its first choice among all. */
  start: number
  choices: T[]
}

/**
 * Before anything is typed: what was chosen lately, then everything by kind. After that one list, the best first, and
 * of equally good ones those that were chosen lately.
 */
export function select<T extends Ranked>(choices: T[], typed: string, recent: string[]): Section<T>[] {
  if (typed.trim()) return number([{ name: 'found', choices: best(choices, typed, recent) }])
  const byKey = new Map(choices.map((choice) => [choice.key, choice]))
  const latest = recent.flatMap((key) => byKey.get(key) ?? []).slice(0, MAX_RECENT)
  const rest = choices.filter((choice) => !latest.includes(choice))
  return number([
    { name: 'recent', choices: latest },
    ...ORDER.map((kind) => ({ name: kind, choices: rest.filter((choice) => choice.kind === kind) })),
  ])
}

function best<T extends Ranked>(choices: T[], typed: string, recent: string[]): T[] {
  const age = (choice: T) => (recent.includes(choice.key) ? recent.indexOf(choice.key) : recent.length)
  return choices
    .flatMap((choice) => {
      const place = rank(choice.name, typed)
      return place === null ? [] : [{ choice, place }]
    })
    .sort((a, b) => a.place - b.place || age(a.choice) - age(b.choice))
    .map(({ choice }) => choice)
}

function number<T>(sections: Omit<Section<T>, 'start'>[]): Section<T>[] {
  let start = 0
  return sections.flatMap(({ name, choices }) => {
    const shown = choices.slice(0, MAX_CHOICES - start)
    if (!shown.length) return []
    start += shown.length
    return [{ name, start: start - shown.length, choices: shown }]
  })
}
