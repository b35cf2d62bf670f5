/** What the server says of webhook subscriptions, until its document has all of it. */
import type { Sending } from '@/features/channels/types'

export interface Webhook {
  id: string
  name: string
  url: string
  has_secret: boolean
  event_types: string[]
  is_active: boolean
  disabled_reason: string | null
  last_delivery_status: 'delivered' | 'failed' | null
  last_delivery_at: string | null
  failure_count: number
  created_at: string
  updated_at: string
  /** Until then the secret before the last one signs too. */
  secret_overlap_until: string | null
}

export interface WebhookPage {
  webhooks: Webhook[]
  total: number
  has_more: boolean
}

/** The body of a new subscription; of a change it is any part. */
export interface WebhookBody {
  name: string
  url: string
  secret?: string
  event_types?: string[]
  is_active?: boolean
}

export interface WebhookTest {
  status: 'delivered' | 'failed'
  http_status?: number | null
  error?: string | null
}

/** A delivery as the server has it. */
export interface WebhookDelivery extends Omit<Sending, 'response_code'> {
  id: string
  event_id: string
  event_type: string
  http_status: number | null
}

/** The same as a line of the log. */
export type WebhookSending = WebhookDelivery & Sending & { id: string }
