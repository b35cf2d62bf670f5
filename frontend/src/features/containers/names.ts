import type { Container } from '@/api/types'
import { plain } from '@/lib/text'

type Named = Pick<Container, 'id' | 'name' | 'host' | 'archived' | 'archived_at'>

/** An address that outlives its container: the next one with this name answers to it. */
export function stablePath(container: Pick<Container, 'name' | 'host'>, severalHosts: boolean): string {
  const parts = severalHosts ? [container.host, container.name] : [container.name]
  return `/c/${parts.map(encodeURIComponent).join('/')}`
}

export function stableLink(container: Pick<Container, 'name' | 'host'>, severalHosts: boolean): string {
  return window.location.origin + stablePath(container, severalHosts)
}

/** Who answers to a name, on one host or on any. Of those that are gone only the last one, and only if none lives. */
export function findByName<T extends Named>(containers: Iterable<T>, name: string, host?: string): T[] {
  const wanted = [...containers].filter((one) => host === undefined || one.host === host)
  const exact = wanted.filter((one) => one.name === name)
  const found = exact.length ? exact : wanted.filter((one) => plain(one.name) === plain(name))
  const living = found.filter((one) => !one.archived)
  if (living.length) return living
  return found.sort((a, b) => (b.archived_at ?? '').localeCompare(a.archived_at ?? '')).slice(0, 1)
}

const NEAR = 0.4
const MAX_NEAR = 5

/** Those whose names look like the one that was not found, the likest first. */
export function nearNames<T extends Named>(containers: Iterable<T>, name: string): T[] {
  return [...containers]
    .map((container) => ({ container, likeness: likeness(container.name, name) }))
    .filter((one) => one.likeness >= NEAR)
    .sort((a, b) => b.likeness - a.likeness || a.container.name.localeCompare(b.container.name))
    .slice(0, MAX_NEAR)
    .map(({ container }) => container)
}

/** How many pairs of neighbouring letters two names share: 1 is all of them, 0 is none (Dice's coefficient). */
function likeness(one: string, other: string): number {
  const [a, b] = [pairs(one), pairs(other)]
  const shared = a.filter((pair) => {
    const at = b.indexOf(pair)
    if (at >= 0) b.splice(at, 1)
    return at >= 0
  }).length
  return (2 * shared) / (a.length + b.length + shared || 1)
}

function pairs(text: string): string[] {
  const letters = ` ${plain(text)} `
  return [...letters].slice(1).map((letter, index) => letters[index] + letter)
}
