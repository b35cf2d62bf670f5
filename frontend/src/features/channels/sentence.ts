import { listOf } from '@/lib/text'
import type { Rule, TestAnswer } from './types'

interface Speaker {
  t: { (key: string, values?: Record<string, unknown>): string; (key: string, count: number): string }
  te: (key: string) => boolean
  locale: string
}

const words = (filter: string | null) => (filter ?? '').split(',').map((word) => word.trim()).filter(Boolean)

/** "Critical alerts from containers and hosts, in the group shop, if nobody takes care within 10 minutes". */
export function ruleSentence(rule: Pick<Rule, 'source_filter' | 'severity_filter' | 'entity' | 'group' | 'after_minutes'>, { t, locale }: Speaker): string {
  const severities = words(rule.severity_filter).map((name) => t(`channels.severity.${name}`))
  const sources = words(rule.source_filter).map((name) => t(`channels.source.${name}`))
  const what = severities.length ? t('channels.says.severities', { list: listOf(severities, locale) }) : t('channels.says.all')
  const parts = [sources.length ? `${what} ${t('channels.says.sources', { list: listOf(sources, locale) })}` : what]
  if (rule.entity) parts.push(t('channels.says.entity', { name: rule.entity }))
  if (rule.group) parts.push(t('channels.says.group', { name: rule.group }))
  if (rule.after_minutes) parts.push(t('channels.says.after', rule.after_minutes))
  const sentence = parts.join(', ')
  return sentence.charAt(0).toLocaleUpperCase(locale) + sentence.slice(1)
}

/** Why a message did not arrive; an error we have no words for is named. */
export function errorSentence(error: string | null | undefined, code: number | null | undefined, { t, te }: Omit<Speaker, 'locale'>): string {
  if (code && (!error || error === 'http_status')) return t('channels.error.http_status', { code })
  const key = `channels.error.${error}`
  return error && error !== 'http_status' && te(key) ? t(key) : t('channels.error.other', { error: error ?? '?' })
}

export function answerSentence(answer: TestAnswer, speaker: Omit<Speaker, 'locale'>): string {
  if (answer.status !== 'delivered') return errorSentence(answer.error, answer.response_code, speaker)
  return answer.duration_ms === undefined ? speaker.t('channels.delivered') : speaker.t('channels.delivered_in', { ms: answer.duration_ms })
}
