/** Names of this feature for what the server's document defines. */
import type { components } from '@/api/schema'
import type { Severity } from '@/api/types'

type Schemas = components['schemas']

export type ChannelType = Schemas['ChannelType']
export type Source = Schemas['Source']
export type Rule = Schemas['RuleView']
export type NewRule = Partial<Schemas['NewRule']>
export type QuietHours = Schemas['QuietHours']
export type Channel = Schemas['ChannelView']
export type ChannelPage = Schemas['ChannelList']
export type ChannelChange = Schemas['ChannelChange']
export type NewChannel = ChannelChange & Pick<Schemas['NewChannel'], 'name' | 'url'>
export type DeliveryStatus = Schemas['DeliveryStatus']
export type Delivery = Schemas['DeliveryView']

/** What a test said, of a channel as of a webhook. */
export type TestAnswer = Partial<Schemas['TestResult']> & Pick<Schemas['TestResult'], 'status'>

/** A line of the delivery log, of a channel as of a webhook. */
export type Sending = Omit<Delivery, 'id' | 'channel_id' | 'key' | 'alert_ids'> & { id: number | string }

export interface DeliveryPage<T extends Sending = Delivery> {
  deliveries: T[]
  total: number
  has_more: boolean
}

/** In the order in which people choose them. */
export const CHANNEL_TYPES = [
  'slack', 'discord', 'teams', 'telegram', 'ntfy', 'gotify', 'pushover', 'email', 'webhook',
] as const satisfies readonly ChannelType[]

export const SOURCES = [
  'container', 'endpoint', 'heartbeat', 'certificate', 'resource', 'security', 'update', 'swarm', 'kubernetes', 'host', 'system',
] as const satisfies readonly Source[]

export const SEVERITIES = ['critical', 'warning', 'info'] as const satisfies readonly Severity[]
