import type { Channel, ChannelChange, ChannelType, NewChannel, QuietHours } from './types'

export interface HeaderRow {
  name: string
  value: string
}

/** A channel as the form holds it. */
export interface Draft {
  name: string
  type: ChannelType
  url: string
  headers: HeaderRow[]
  template: string
  quiet: QuietHours | null
  perMinute: number
  signingSecret: string
}

export const PER_MINUTE = 20

/** What a template may name; the server fills it in. */
export const PLACEHOLDERS = ['entity', 'message', 'severity', 'status', 'group', 'host', 'lasted', 'link'].map((name) => `{{${name}}}`)

export function usualQuietHours(): QuietHours {
  return { start: '22:00', end: '07:00', timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC', critical_passes: true }
}

export function draftOf(channel: Channel | null): Draft {
  return {
    name: channel?.name ?? '',
    type: channel?.type ?? 'slack',
    url: channel?.url ?? '',
    headers: Object.entries(channel?.headers ?? {}).map(([name, value]) => ({ name, value })),
    template: channel?.template ?? '',
    quiet: channel?.quiet_hours ? { ...channel.quiet_hours } : null,
    perMinute: channel?.max_per_minute ?? PER_MINUTE,
    signingSecret: '',
  }
}

function whole(draft: Draft) {
  const headers = draft.headers.filter(({ name }) => name.trim()).map(({ name, value }) => [name.trim(), value.trim()] as const)
  return {
    name: draft.name.trim(),
    type: draft.type,
    url: draft.url,
    headers: Object.fromEntries(headers),
    template: draft.template.trim() ? draft.template : null,
    quiet_hours: draft.quiet,
    max_per_minute: draft.perMinute,
  }
}

/** What differs from `channel`: nothing is sent that nobody touched, so a masked value is never mistaken for a new one. */
export function changeOf(draft: Draft, channel: Channel | null): ChannelChange {
  const before = whole(draftOf(channel))
  const after = whole(draft)
  const names = (Object.keys(after) as (keyof typeof after)[]).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]))
  const change: ChannelChange = Object.fromEntries(names.map((name) => [name, after[name]]))
  if (draft.type === 'webhook' && draft.signingSecret) change.signing_secret = draft.signingSecret
  return change
}

export function bodyOf(draft: Draft): NewChannel {
  const { name, type, url } = whole(draft)
  return { ...changeOf(draft, null), name, type, url }
}
