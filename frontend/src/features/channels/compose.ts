import type { ChannelType } from './types'

/** A part of an address that people are asked for. Its label is in the locale files under `channels.part`. */
export interface Part {
  name: 'url' | 'addresses' | 'bot_token' | 'chat_id' | 'server' | 'app_token' | 'user_key'
  example: string
}

export type Parts = Partial<Record<Part['name'], string>>

const url = (example: string): Part[] => [{ name: 'url', example }]

export const PARTS: Record<ChannelType, Part[]> = {
  slack: url('https://hooks.slack.com/services/…'),
  discord: url('https://discord.com/api/webhooks/…'),
  teams: url('https://….logic.azure.com/workflows/…'),
  telegram: [
    { name: 'bot_token', example: '123456:ABC-DEF…' },
    { name: 'chat_id', example: '-1001234567890' },
  ],
  ntfy: url('https://ntfy.sh/my-topic'),
  gotify: [
    { name: 'server', example: 'https://gotify.example.org' },
    { name: 'app_token', example: 'AbCdEf…' },
  ],
  pushover: [
    { name: 'app_token', example: 'azGDORePK8gMaC0QOYAMyEEuzJnyUi' },
    { name: 'user_key', example: 'uQiRzpo4DXghDmr9QzzfQu27cmVRsG' },
  ],
  email: [{ name: 'addresses', example: 'ada@example.org, ops@example.org' }],
  webhook: url('https://example.org/hook'),
}

/** The one address that the server wants, out of what people copy from the other side. */
export function composeUrl(type: ChannelType, parts: Parts): string {
  const part = (name: Part['name']) => (parts[name] ?? '').trim()
  const query = (name: Part['name']) => encodeURIComponent(part(name))
  switch (type) {
    case 'telegram':
      // The colon of a bot token belongs to the path as it is.
      return `https://api.telegram.org/bot${query('bot_token').replace('%3A', ':')}/sendMessage?chat_id=${query('chat_id')}`
    case 'gotify':
      return `${withScheme(part('server'))}/message?token=${query('app_token')}`
    case 'pushover':
      return `https://api.pushover.net/1/messages.json?token=${query('app_token')}&user=${query('user_key')}`
    case 'email':
      return part('addresses').split(/[\s,;]+/).filter(Boolean).join(', ')
    default:
      return part('url')
  }
}

/** `gotify.lan/` is meant as https://gotify.lan. */
function withScheme(server: string): string {
  const bare = server.replace(/\/+$/, '')
  return /^https?:\/\//i.test(bare) ? bare : `https://${bare}`
}
