import type { Certificate, CertificateChange, NewCertificate, Protocol } from './types'

/** A certificate as the forms hold it. */
export interface Draft {
  hostname: string
  /** Empty: the usual one. */
  port: string
  protocol: Protocol
  interval: string
  thresholds: string
  lifetime: string
  acceptUntrusted: boolean
}

/** What the server takes for granted. */
const INTERVAL = 43_200
const THRESHOLDS = [30, 14, 7, 3, 1]
const LIFETIME_PERCENT = 33

export const USUAL_PORTS: Record<Protocol, number> = { tls: 443, smtp: 587, imap: 143, postgres: 5432 }

/** How often it can be looked at, in seconds; one that was set by other means is offered too. */
export function intervalsWith(seconds: string): string[] {
  const offered = [3600, 21_600, 43_200, 86_400, 604_800]
  const own = Number(seconds)
  return [...new Set([...offered, own])].sort((a, b) => a - b).map(String)
}

export function draftOf(certificate: Certificate | null): Draft {
  return {
    hostname: certificate?.hostname ?? '',
    port: certificate ? String(certificate.port) : '',
    protocol: certificate?.protocol ?? 'tls',
    interval: String(certificate?.check_interval_seconds ?? INTERVAL),
    thresholds: (certificate?.warning_thresholds ?? THRESHOLDS).join(', '),
    lifetime: String((certificate ? certificate.warn_at_lifetime_percent : LIFETIME_PERCENT) ?? ''),
    acceptUntrusted: certificate?.accept_untrusted ?? false,
  }
}

/** "30, 14 7" as numbers; the field takes nothing else. */
export function parseDays(text: string): number[] {
  return text.split(/[\s,;]+/).filter(Boolean).map(Number)
}

function rules(draft: Draft) {
  return {
    check_interval_seconds: Number(draft.interval),
    warning_thresholds: parseDays(draft.thresholds),
    warn_at_lifetime_percent: draft.lifetime.trim() ? Number(draft.lifetime) : null,
    accept_untrusted: draft.acceptUntrusted,
  }
}

/** What differs; what nobody touched is not sent. New thresholds come with the share of the lifetime as it stands. */
export function changeOf(draft: Draft, certificate: Certificate | null): CertificateChange {
  const before = rules(draftOf(certificate))
  const after = rules(draft)
  const names = (Object.keys(after) as (keyof typeof after)[]).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]))
  // Given alone, thresholds would hold without regard to the lifetime, whatever the form shows.
  if (names.includes('warning_thresholds') && !names.includes('warn_at_lifetime_percent')) names.push('warn_at_lifetime_percent')
  return Object.fromEntries(names.map((name) => [name, after[name]]))
}

export function bodyOf(draft: Draft): NewCertificate {
  const port = draft.port.trim()
  return {
    ...changeOf(draft, null),
    hostname: draft.hostname.trim(),
    protocol: draft.protocol,
    ...(port && { port: Number(port) }),
  }
}
