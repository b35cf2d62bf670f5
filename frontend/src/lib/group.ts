/** What the server calls the group of containers that belong to none. */
export const UNGROUPED = 'Ungrouped'

/** Groups as one flat list of rows, which is what a virtualised list wants. */
export interface Grouped<T> {
  name: string
  items: T[]
}

export type Row<T> =
  | { kind: 'group'; key: string; name: string; items: T[]; open: boolean }
  | { kind: 'item'; key: string; item: T }

/** A group that was split over two pages comes out as one. Order is that of first appearance. */
export function mergeGroups<T>(groups: Iterable<Grouped<T>>): Grouped<T>[] {
  const byName = new Map<string, Grouped<T>>()
  for (const { name, items } of groups) {
    const known = byName.get(name)
    if (known) known.items.push(...items)
    else byName.set(name, { name, items: [...items] })
  }
  return [...byName.values()]
}

/** The next row before or after `from` that one stops at; others are stepped over. Null at either end. */
export function nextStop<T>(rows: T[], from: number, by: 1 | -1, stops: (row: T) => boolean): number | null {
  for (let index = from + by; index >= 0 && index < rows.length; index += by) {
    const row = rows[index]
    if (row !== undefined && stops(row)) return index
  }
  return null
}

export function flatten<T extends { id: number }>(groups: Grouped<T>[], closed: ReadonlySet<string>): Row<T>[] {
  const rows: Row<T>[] = []
  for (const { name, items } of groups) {
    const open = !closed.has(name)
    rows.push({ kind: 'group', key: `group:${name}`, name, items, open })
    if (open) for (const item of items) rows.push({ kind: 'item', key: `item:${item.id}`, item })
  }
  return rows
}
