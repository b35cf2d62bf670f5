import { describe, expect, it } from 'vitest'
import { anEndpoint } from '@/testing/mount'
import { bodyOf, changeOf, draftOf, suggestName, trialOf } from './draft'

const kept = () => {
  const base = anEndpoint({ id: 7, name: 'Shop', target: 'https://shop.example/' })
  return { ...base, config: { ...base.config, interval: '1m0s', headers: { Authorization: '***' }, body_contains: 'ok' } }
}

describe('a new endpoint', () => {
  it('says only what is not taken for granted', () => {
    const draft = { ...draftOf(null), name: ' Shop ', target: ' https://shop.example/ ', interval: '1m', tls_verify: false }
    expect(bodyOf(draft)).toEqual({ name: 'Shop', target: 'https://shop.example/', endpoint_type: 'http', interval: '1m', tls_verify: false })
  })

  it('leaves out what belongs to another type', () => {
    const draft = { ...draftOf(null), name: 'db', target: 'db:5432', type: 'tcp' as const, method: 'POST', body_contains: 'x', expect: '+OK ' }
    expect(bodyOf(draft)).toEqual({ name: 'db', target: 'db:5432', endpoint_type: 'tcp', expect: '+OK ' })
  })

  it('sends numbers as numbers and named headers only', () => {
    const headers = [{ name: ' X-Key ', value: 'k' }, { name: '', value: 'lost' }]
    const draft = { ...draftOf(null), failure_threshold: '5', certificate_days: '14', headers }
    expect(bodyOf(draft)).toMatchObject({ failure_threshold: 5, certificate_days: 14, headers: { 'X-Key': 'k' } })
  })
})

describe('a change', () => {
  it('is empty when nobody touched anything, so that masked headers stay', () => {
    expect(changeOf(draftOf(kept()), kept())).toEqual({})
  })

  it('says what differs; what was emptied is null', () => {
    const draft = { ...draftOf(kept()), interval: '2m', body_contains: '' }
    expect(changeOf(draft, kept())).toEqual({ interval: '2m', body_contains: null })
  })

  it('sends all headers when one is new', () => {
    const draft = draftOf(kept())
    draft.headers.push({ name: 'X-Key', value: 'k' })
    expect(changeOf(draft, kept())).toEqual({ headers: { Authorization: '***', 'X-Key': 'k' } })
  })
})

it('is tried as it stands, with the headers that are kept', () => {
  expect(trialOf(draftOf(kept()), kept())).toEqual({
    target: 'https://shop.example/',
    endpoint_type: 'http',
    endpoint_id: 7,
    interval: '1m',
    headers: { Authorization: '***' },
    body_contains: 'ok',
  })
})

it.each([
  ['https://shop.example:8443/health', 'shop.example'],
  ['db.lan:5432', 'db.lan'],
  ['router.lan', 'router.lan'],
  ['https://', ''],
])('%s is called %s by default', (target, name) => expect(suggestName(target)).toBe(name))
