import { request } from '@/api/client'
import type { DeliveryPage, TestAnswer } from '@/features/channels/types'
import type { NewWebhook, Webhook, WebhookChange, WebhookDeliveryPage, WebhookPage, WebhookSending, WebhookTest } from './types'

export const listWebhooks = () => request<WebhookPage>('GET', '/webhooks', { query: { limit: 200 } })
export const createWebhook = (body: NewWebhook) => request<Webhook>('POST', '/webhooks', { body })
export const changeWebhook = (id: string, body: WebhookChange) => request<Webhook>('PUT', `/webhooks/${id}`, { body })
export const deleteWebhook = (id: string) => request<void>('DELETE', `/webhooks/${id}`)
export const listEventTypes = () => request<{ event_types: string[] }>('GET', '/webhooks/event-types')

export async function testWebhook(id: string): Promise<TestAnswer> {
  const { status, http_status, error } = await request<WebhookTest>('POST', `/webhooks/${id}/test`)
  return { status, response_code: http_status, error }
}

export async function listDeliveries(id: string, offset: number): Promise<DeliveryPage<WebhookSending>> {
  const page = await request<WebhookDeliveryPage>('GET', `/webhooks/${id}/deliveries`, {
    query: { limit: 20, offset },
  })
  return { ...page, deliveries: page.deliveries.map((row) => ({ ...row, response_code: row.http_status })) }
}

export const sendAgain = (id: string, delivery: string) => request<void>('POST', `/webhooks/${id}/deliveries/${delivery}/retry`)
