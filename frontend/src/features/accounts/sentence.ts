import type { AuditEntry } from '@/api/types'

export interface Changed {
  field: string
  before: string
  after: string
}

const show = (value: unknown): string =>
  value === null || value === undefined || value === '' ? '–' : typeof value === 'object' ? JSON.stringify(value) : String(value)

/** What differs, as before and after; plain values are what is there now. */
export function changes(entry: AuditEntry): Changed[] {
  return Object.entries(entry.change).map(([field, value]) => {
    if (typeof value === 'object' && value !== null && ('before' in value || 'after' in value)) {
      const { before, after } = value as { before?: unknown; after?: unknown }
      return { field, before: show(before), after: show(after) }
    }
    return { field, before: '', after: show(value) }
  })
}

/** `user:ada` is ada; `shell` and `settings` are what they are. */
export function nameOf(actor: string): string {
  return actor.includes(':') ? actor.slice(actor.indexOf(':') + 1) : actor
}

/** The name of what was changed: as the entry has it, or by the number of a user there is. */
export function subject(entry: AuditEntry, users: Map<string, string> = new Map()): string {
  const name = changes(entry).find((change) => change.field === 'name')
  const known = name && (name.after !== '–' ? name.after : name.before)
  return known && known !== '–' ? known : (users.get(entry.entity) ?? entry.entity.replace(':', ' '))
}
