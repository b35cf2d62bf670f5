import { tidyDuration } from '@/lib/time'
import { OPTIONS_OF } from './describe'
import type { Endpoint, EndpointChange, EndpointConfig, EndpointOptions, EndpointType, NewEndpoint, Trial } from './types'

/** Options as the form holds them: everything is text, empty when it is not asked for. */
type Texts = Record<Exclude<keyof EndpointConfig, 'tls_verify' | 'headers'>, string>

export interface Draft extends Texts {
  name: string
  target: string
  type: EndpointType
  tls_verify: boolean
  headers: { name: string; value: string }[]
}

/** What the server takes for granted. */
const DEFAULTS: EndpointConfig = {
  interval: '30s',
  timeout: '10s',
  failure_threshold: 3,
  recovery_threshold: 2,
  degraded_after: null,
  method: 'GET',
  expected_status: '2xx',
  tls_verify: true,
  headers: {},
  body: null,
  max_redirects: 5,
  body_contains: null,
  body_not_contains: null,
  body_matches: null,
  json_path: null,
  json_equals: null,
  header_name: null,
  header_contains: null,
  certificate_days: null,
  send: null,
  expect: null,
  record_type: 'A',
  record_contains: null,
  resolver: null,
}

const DURATIONS = ['interval', 'timeout', 'degraded_after'] as const
const NUMBERS = ['failure_threshold', 'recovery_threshold', 'max_redirects', 'certificate_days'] as const
const COMMON = ['interval', 'timeout', 'failure_threshold', 'recovery_threshold', 'degraded_after'] as const

const isOneOf = <T extends string>(list: readonly T[], name: string): name is T => (list as readonly string[]).includes(name)

export function draftOf(endpoint: Endpoint | null): Draft {
  const { tls_verify, headers, ...config } = endpoint?.config ?? DEFAULTS
  const texts = Object.entries(config).map(([name, value]) => {
    const text = value === null ? '' : String(value)
    return [name, isOneOf(DURATIONS, name) ? tidyDuration(text) : text]
  })
  return {
    ...(Object.fromEntries(texts) as Texts),
    name: endpoint?.name ?? '',
    target: endpoint?.target ?? '',
    type: endpoint?.endpoint_type ?? 'http',
    tls_verify,
    headers: Object.entries(headers).map(([name, value]) => ({ name, value })),
  }
}

/** Which options a type shows; those of the others are not sent. */
export const optionsFor = (type: EndpointType) => [...COMMON, ...OPTIONS_OF[type]]

function valueOf(draft: Draft, option: keyof EndpointConfig): unknown {
  if (option === 'tls_verify') return draft.tls_verify
  if (option === 'headers') {
    const named = draft.headers.filter(({ name }) => name.trim())
    return Object.fromEntries(named.map(({ name, value }) => [name.trim(), value.trim()]))
  }
  // Blanks inside these mean something.
  const isVerbatim = option === 'body' || option === 'send' || option === 'expect'
  const text = isVerbatim ? draft[option] : draft[option].trim()
  if (!text) return null
  return isOneOf(NUMBERS, option) ? Number(text) : text
}

function whole(draft: Draft): Record<string, unknown> {
  const options = optionsFor(draft.type).map((option) => [option, valueOf(draft, option)])
  return { name: draft.name.trim(), target: draft.target.trim(), ...Object.fromEntries(options) }
}

function differences(after: Record<string, unknown>, before: Record<string, unknown>) {
  return Object.fromEntries(Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])))
}

/** What differs from `endpoint`: what nobody touched is not sent, so a masked value is never mistaken for a new one. */
export function changeOf(draft: Draft, endpoint: Endpoint): EndpointChange {
  return differences(whole(draft), whole({ ...draftOf(endpoint), type: draft.type }))
}

/** What differs from what the server takes for granted. */
function asked(draft: Draft) {
  const usual = whole({ ...draftOf(null), type: draft.type, name: draft.name })
  return { ...(differences(whole(draft), usual) as EndpointOptions), target: draft.target.trim(), endpoint_type: draft.type }
}

export const bodyOf = (draft: Draft): NewEndpoint => ({ ...asked(draft), name: draft.name.trim() })

/** The form as it stands; `endpoint` lends the headers whose values came masked. */
export function trialOf(draft: Draft, endpoint: Endpoint | null): Trial {
  return { ...asked(draft), ...(endpoint && { endpoint_id: endpoint.id }) }
}

/** A name for those who do not care: the host of the target. */
export function suggestName(target: string): string {
  const text = target.trim()
  try {
    return text.includes('://') ? new URL(text).hostname : text.replace(/:\d+$/, '')
  } catch {
    return ''
  }
}
