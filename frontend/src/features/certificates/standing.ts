import type { Tone } from '@/lib/tone'
import type { Mark } from '@/ui/marks'
import type { Certificate, CertificateCheck, CertificateProblem, CertificateStatus } from './types'

export const STATUS_TONES: Record<CertificateStatus, Tone> = {
  valid: 'ok',
  expiring: 'warn',
  expired: 'bad',
  error: 'bad',
  unknown: 'idle',
}

export const STATUS_MARKS: Record<CertificateStatus, Mark> = {
  valid: 'check',
  expiring: 'triangle',
  expired: 'square',
  error: 'cross',
  unknown: 'ring',
}

const MILD: readonly CertificateProblem[] = ['expiring', 'weak_key']

export const problemTone = (problem: CertificateProblem): Tone => (MILD.includes(problem) ? 'warn' : 'bad')

/** One that could not be read is in trouble from the first time, though it rings only after several. */
export const isInTrouble = ({ problems, status }: Pick<Certificate, 'problems' | 'status'>) => problems.length > 0 || status === 'error'

/** "mail.example.org:587"; the usual port says nothing. */
export function placeOf({ hostname, port }: Pick<Certificate, 'hostname' | 'port'>): string {
  const host = hostname.includes(':') ? `[${hostname}]` : hostname
  return port === 443 ? host : `${host}:${port}`
}

const byName = new Intl.Collator(undefined, { numeric: true })

/** What ends first on top; before it what nobody could read, after it what nobody has read yet. */
export function inOrder<T extends Certificate>(certificates: Iterable<T>): T[] {
  const rank = (one: T) => one.days_remaining ?? (isInTrouble(one) ? -Infinity : Infinity)
  return [...certificates].sort((a, b) => {
    const [first, second] = [rank(a), rank(b)]
    return (first === second ? 0 : first - second) || byName.compare(placeOf(a), placeOf(b)) || a.id - b.id
  })
}

/** How much of its life a certificate has left, 1 to 0; null when nobody knows. */
export function lifeLeft(check: Pick<CertificateCheck, 'not_before' | 'not_after'> | null, now: number): number | null {
  if (!check?.not_before || !check.not_after) return null
  const [begin, end] = [Date.parse(check.not_before), Date.parse(check.not_after)]
  return end <= begin ? 0 : Math.min(1, Math.max(0, (end - now) / (end - begin)))
}
