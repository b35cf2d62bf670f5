import { request } from '@/api/client'
import type { Channel, ChannelChange, ChannelPage, DeliveryPage, NewChannel, NewRule, Rule, TestAnswer } from './types'

export const listChannels = () => request<ChannelPage>('GET', '/channels', { query: { limit: 200 } })
export const createChannel = (body: NewChannel) => request<Channel>('POST', '/channels', { body })
export const changeChannel = (id: number, body: ChannelChange) => request<Channel>('PUT', `/channels/${id}`, { body })
export const deleteChannel = (id: number) => request<void>('DELETE', `/channels/${id}`)
export const testChannel = (id: number) => request<TestAnswer>('POST', `/channels/${id}/test`)

export const addRule = (id: number, body: NewRule) => request<Rule>('POST', `/channels/${id}/rules`, { body })
export const removeRule = (id: number, rule: number) => request<void>('DELETE', `/channels/${id}/rules/${rule}`)

export const listDeliveries = (id: number, offset: number) =>
  request<DeliveryPage>('GET', `/channels/${id}/deliveries`, { query: { limit: 20, offset } })
export const sendAgain = (id: number, delivery: number) =>
  request<void>('POST', `/channels/${id}/deliveries/${delivery}/retry`)
