import { tidyDuration } from '@/lib/time'
import type { Endpoint, EndpointConfig, EndpointType } from './types'

type Option = keyof EndpointConfig

/** What each type can be told beside how often and how patiently it is checked. */
export const OPTIONS_OF: Record<EndpointType, readonly Option[]> = {
  http: [
    'method', 'expected_status', 'max_redirects', 'tls_verify', 'headers', 'body', 'body_contains', 'body_not_contains',
    'body_matches', 'json_path', 'json_equals', 'header_name', 'header_contains', 'certificate_days',
  ],
  tcp: ['send', 'expect'],
  dns: ['record_type', 'record_contains', 'resolver'],
  icmp: [],
}

export interface Fact {
  /** Its label is in the locale files under `config`. */
  key: string
  /** A text of the locale files with its values, or the value itself, which is shown as code. */
  text?: [key: string, values: Record<string, string | number>]
  code?: string
}

/** The configuration as people would say it; what is not asked for is left out. */
export function describe({ config, endpoint_type: type }: Pick<Endpoint, 'config' | 'endpoint_type'>): Fact[] {
  const facts: Fact[] = [
    { key: 'interval', text: ['config.every', { interval: tidyDuration(config.interval), timeout: tidyDuration(config.timeout) }] },
    { key: 'rings', text: ['config.rings_text', { n: config.failure_threshold }] },
    { key: 'recovers', text: ['config.recovers_text', { n: config.recovery_threshold }] },
  ]
  if (config.degraded_after) facts.push({ key: 'degraded_after', code: tidyDuration(config.degraded_after) })
  for (const option of OPTIONS_OF[type]) {
    const fact = describeOption(option, config)
    if (fact) facts.push(fact)
  }
  return facts
}

function describeOption(option: Option, config: EndpointConfig): Fact | null {
  const value = config[option]
  if (value === null || value === '') return null
  switch (option) {
    case 'tls_verify':
      return value ? null : { key: option, text: ['config.not_verified', {}] }
    case 'headers': {
      const lines = Object.entries(config.headers).map(([name, text]) => `${name}: ${text}`)
      return lines.length ? { key: option, code: lines.join('\n') } : null
    }
    case 'json_path':
      return config.json_equals === null
        ? { key: 'json', code: config.json_path ?? '' }
        : { key: 'json', code: `${config.json_path} = ${config.json_equals}` }
    case 'header_name':
      return { key: 'header', code: `${config.header_name}: …${config.header_contains ?? ''}…` }
    case 'json_equals':
    case 'header_contains':
      return null
    case 'certificate_days':
      return { key: option, text: ['config.days', { n: Number(value) }] }
    default:
      return { key: option, code: String(value) }
  }
}
