/** Names of this feature for what the server's document defines. */
import type { components } from '@/api/schema'

type Schemas = components['schemas']

export type Webhook = Schemas['WebhookView']
export type WebhookPage = Schemas['WebhookList']
export type WebhookChange = Schemas['WebhookChange']
export type NewWebhook = Schemas['NewWebhook']
export type WebhookTest = Schemas['WebhookTestResult']
export type WebhookDeliveryPage = Schemas['WebhookDeliveryList']

/** A delivery as a line of the log. */
export type WebhookSending = Schemas['WebhookDeliveryView'] & { response_code: number | null }
