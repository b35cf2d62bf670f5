import { describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'
import en from '@/locales/en.json'
import fr from '@/locales/fr.json'
import { composeUrl, type Parts } from './compose'
import { bodyOf, changeOf, draftOf } from './draft'
import { answerSentence, errorSentence, ruleSentence } from './sentence'
import { CHANNEL_TYPES, SEVERITIES, SOURCES, type Channel, type ChannelType, type Rule, type TestAnswer } from './types'

function speaker(locale: 'en' | 'fr') {
  const { t, te } = createI18n({ legacy: false, locale, messages: { en, fr } }).global
  return { t: t as never, te, locale }
}

const rule = (part: Partial<Rule>): Rule => ({
  id: 1, channel_id: 1, source_filter: '', severity_filter: '', entity: null, group: null, after_minutes: 0, created_at: '', ...part,
})

const channel: Channel = {
  id: 1, name: 'ops', type: 'webhook', url: 'https://example.org/***hook', has_secret: true, headers: { Authorization: '***' }, enabled: true,
  template: null, quiet_hours: null, max_per_minute: 20, has_signing_secret: false, routing_rules: [], health: 'healthy', created_at: '', updated_at: '',
}

describe('the address', () => {
  it.each<[ChannelType, Parts, string]>([
    ['slack', { url: ' https://hooks.slack.com/services/T/B/x ' }, 'https://hooks.slack.com/services/T/B/x'],
    ['telegram', { bot_token: '12:A-b_c', chat_id: '-100' }, 'https://api.telegram.org/bot12:A-b_c/sendMessage?chat_id=-100'],
    ['telegram', { bot_token: '12:A', chat_id: '@my channel' }, 'https://api.telegram.org/bot12:A/sendMessage?chat_id=%40my%20channel'],
    ['gotify', { server: 'gotify.lan/', app_token: 'A.b' }, 'https://gotify.lan/message?token=A.b'],
    ['gotify', { server: 'http://10.0.0.2:8080/push', app_token: 'a&b' }, 'http://10.0.0.2:8080/push/message?token=a%26b'],
    ['pushover', { app_token: 'app', user_key: 'me' }, 'https://api.pushover.net/1/messages.json?token=app&user=me'],
    ['email', { addresses: 'ada@example.org; ops@example.org\n' }, 'ada@example.org, ops@example.org'],
  ])('of %s from %o', (type, parts, expected) => expect(composeUrl(type, parts)).toBe(expected))
})

describe('the sentence of a rule', () => {
  it.each<[Partial<Rule>, string, string]>([
    [{}, 'All alerts', 'Toutes les alertes'],
    [{ severity_filter: 'critical' }, 'Critical alerts', 'Alertes critiques'],
    [
      { severity_filter: 'critical,warning', source_filter: 'container,host' },
      'Critical and warning alerts from containers and hosts',
      'Alertes critiques et d’avertissement (conteneurs et hôtes)',
    ],
    [{ entity: 'db-*', group: 'shop' }, 'All alerts, named db-*, in the group shop', 'Toutes les alertes, nommées db-*, dans le groupe shop'],
    [{ after_minutes: 1 }, 'All alerts, if nobody takes care within a minute', 'Toutes les alertes, si personne ne s’en occupe en une minute'],
    [{ after_minutes: 15 }, 'All alerts, if nobody takes care within 15 minutes', 'Toutes les alertes, si personne ne s’en occupe en 15 minutes'],
  ])('%o', (part, english, french) => {
    expect(ruleSentence(rule(part), speaker('en'))).toBe(english)
    expect(ruleSentence(rule(part), speaker('fr'))).toBe(french)
  })

  it('has words for everything there is', () => {
    for (const source of SOURCES) expect(en.channels.source).toHaveProperty(source)
    for (const severity of SEVERITIES) expect(en.channels.severity).toHaveProperty(severity)
    for (const type of CHANNEL_TYPES) {
      expect(en.channels.type).toHaveProperty(type)
      expect(en.channels.hint).toHaveProperty(type)
    }
  })
})

describe('the sentence of an answer', () => {
  it.each<[TestAnswer, string]>([
    [{ status: 'delivered', response_code: 200, duration_ms: 120, error: null }, 'Delivered in 120 ms'],
    [{ status: 'delivered' }, 'Delivered'],
    [{ status: 'failed', response_code: 404, duration_ms: 9, error: 'http_status' }, 'It answered 404'],
    [{ status: 'failed', response_code: 502 }, 'It answered 502'],
    [{ status: 'failed', response_code: null, duration_ms: 9, error: 'dns' }, 'The name cannot be resolved'],
    [{ status: 'failed', duration_ms: 9, error: 'moon_phase' }, 'It failed: moon_phase'],
    [{ status: 'failed' }, 'It failed: ?'],
  ])('%o', (answer, expected) => expect(answerSentence(answer, speaker('en'))).toBe(expected))

  it('names an HTTP status that is not known', () => {
    expect(errorSentence('http_status', null, speaker('en'))).toBe('It failed: http_status')
  })
})

describe('what the form sends', () => {
  it('is only what was touched', () => {
    expect(changeOf(draftOf(channel), channel)).toEqual({})
    expect(changeOf({ ...draftOf(channel), name: ' pager ', perMinute: 5 }, channel)).toEqual({ name: 'pager', max_per_minute: 5 })
  })

  it('keeps the values of headers that stay when others change', () => {
    const draft = draftOf(channel)
    draft.headers.push({ name: 'X-Team', value: 'ops' }, { name: ' ', value: 'of no header' })
    expect(changeOf(draft, channel)).toEqual({ headers: { Authorization: '***', 'X-Team': 'ops' } })
  })

  it('empties a template and quiet hours', () => {
    const quiet = { start: '22:00', end: '07:00', timezone: 'Europe/Paris', critical_passes: true }
    const before = { ...channel, template: '{{entity}}', quiet_hours: quiet }
    expect(changeOf({ ...draftOf(before), template: ' ', quiet: null }, before)).toEqual({ template: null, quiet_hours: null })
  })

  it('is short for a plain new channel, and a secret is for webhooks only', () => {
    const draft = { ...draftOf(null), name: 'ops', url: 'https://example.org', signingSecret: 'a secret of some length' }
    expect(bodyOf(draft)).toEqual({ name: 'ops', type: 'slack', url: 'https://example.org' })
    expect(bodyOf({ ...draft, type: 'webhook' })).toHaveProperty('signing_secret', 'a secret of some length')
  })
})
