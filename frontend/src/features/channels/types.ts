/** What the server says of channels, until its document has all of it. */
import type { Severity } from '@/api/types'

export const CHANNEL_TYPES = ['slack', 'discord', 'teams', 'telegram', 'ntfy', 'gotify', 'pushover', 'email', 'webhook'] as const
export type ChannelType = (typeof CHANNEL_TYPES)[number]

export const SOURCES = [
  'container', 'endpoint', 'heartbeat', 'certificate', 'resource', 'security', 'update', 'swarm', 'kubernetes', 'host', 'system',
] as const
export type Source = (typeof SOURCES)[number]

export const SEVERITIES = ['critical', 'warning', 'info'] as const satisfies readonly Severity[]

export interface Rule {
  id: number
  channel_id: number
  /** Names with commas between them; empty is every one. */
  source_filter: string
  severity_filter: string
  entity: string | null
  group: string | null
  after_minutes: number
  created_at: string
}

export interface NewRule {
  source_filter?: Source[]
  severity_filter?: Severity[]
  entity?: string
  group?: string
  after_minutes?: number
}

export interface QuietHours {
  start: string
  end: string
  timezone: string
  critical_passes: boolean
}

export interface Channel {
  id: number
  name: string
  type: ChannelType
  /** Masked, but for e-mail. */
  url: string
  has_secret: boolean
  headers: Record<string, string>
  enabled: boolean
  template: string | null
  quiet_hours: QuietHours | null
  max_per_minute: number
  has_signing_secret: boolean
  routing_rules: Rule[]
  health: 'healthy' | 'failing'
  created_at: string
  updated_at: string
}

export interface ChannelPage {
  channels: Channel[]
  total: number
  has_more: boolean
}

/** The body of a new channel; of a change it is any part. */
export interface ChannelBody {
  name: string
  type: ChannelType
  url: string
  headers?: Record<string, string>
  enabled?: boolean
  template?: string | null
  quiet_hours?: QuietHours | null
  max_per_minute?: number
  signing_secret?: string
}

export interface TestAnswer {
  status: 'delivered' | 'failed'
  /** Of an HTTP answer, or the reply of a mail server. */
  response_code?: number | null
  duration_ms?: number
  error?: string | null
}

export type DeliveryStatus = 'pending' | 'delivered' | 'failed'

/** A line of the delivery log, of a channel as of a webhook. */
export interface Sending {
  id: number | string
  status: DeliveryStatus
  attempts: number
  error: string | null
  response_code: number | null
  created_at: string
  next_attempt_at: string | null
  finished_at: string | null
}

export interface Delivery extends Sending {
  id: number
  channel_id: number
  key: string
  alert_ids: number[]
}

export interface DeliveryPage<T extends Sending = Delivery> {
  deliveries: T[]
  total: number
  has_more: boolean
}
