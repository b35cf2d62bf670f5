import { describe, expect, it } from 'vitest'
import en from '@/locales/en.json'
import { feedItem } from './sentence'

const base = { id: 7, timestamp: '2026-03-04T09:00:00.000Z' }
const state = (data: object) =>
  feedItem({ ...base, type: 'container.state_changed', data: { container_id: 1, container_name: 'api', restarts: 0, ...data } })

describe('feedItem', () => {
  it.each([
    [{ state: 'exited', exit_code: 1, error_detail: null }, 'event.exited_code'],
    [{ state: 'exited', exit_code: 137, error_detail: 'OOMKilled' }, 'event.exited_oom'],
    [{ state: 'running', previous_state: 'exited', exit_code: null }, 'event.started'],
    [{ state: 'running', previous_state: 'paused', exit_code: null }, 'event.resumed'],
    [{ state: 'running', previous_state: 'exited', exit_code: null, restarts: 1 }, 'event.restarted'],
    [{ state: 'dead', exit_code: null }, 'event.dead'],
  ])('%o is told as %s', (data, key) => {
    const item = state(data)
    expect(item?.key).toBe(key)
    expect(en.event).toHaveProperty(key.slice('event.'.length))
  })

  it('says nothing about what people do not care for', () => {
    expect(feedItem({ ...base, type: 'container.updated', data: {} })).toBeNull()
    expect(feedItem({ ...base, type: 'something.new', data: {} })).toBeNull()
  })

  it('does not link to a container that is gone', () => {
    const item = feedItem({ ...base, type: 'container.archived', data: { container_id: 1, container_name: 'api', deleted: true } })
    expect(item?.to).toBeNull()
  })

  it.each([
    ['endpoint.alert', { endpoint_id: 7, container_name: '', target: 'https://shop' }, 'event.endpoint_down', '/endpoints/7', 'https://shop'],
    ['endpoint.config_error', { endpoint_id: null, container_id: 3, container_name: 'web' }, 'event.endpoint_config_error', '/containers/3', 'web'],
    ['heartbeat.deadline_missed', { heartbeat_id: 9, name: 'backup' }, 'event.heartbeat_missed', '/heartbeats/9', 'backup'],
    ['heartbeat.alert', { heartbeat_id: 9, name: 'backup', alert_type: 'exit_code_failure', exit_code: 3 }, 'event.heartbeat_failed_code', '/heartbeats/9', 'backup'],
    ['heartbeat.alert', { heartbeat_id: 9, name: 'backup', alert_type: 'exit_code_failure', exit_code: null }, 'event.heartbeat_failed', '/heartbeats/9', 'backup'],
    ['heartbeat.alert', { heartbeat_id: 9, name: 'backup', alert_type: 'overrun', exit_code: null }, 'event.heartbeat_overrun', '/heartbeats/9', 'backup'],
    ['heartbeat.recovery', { heartbeat_id: 9, name: 'backup' }, 'event.heartbeat_recovered', '/heartbeats/9', 'backup'],
    ['certificate.alert', { monitor_id: 5, hostname: 'shop', port: 443, alert_type: 'weak_key' }, 'event.certificate_weak_key', '/certificates/5', 'shop'],
    ['certificate.recovery', { monitor_id: 5, hostname: 'mail', port: 25, renewed: true }, 'event.certificate_renewed', '/certificates/5', 'mail:25'],
    ['self_health.connectivity_lost', { scope: 'internet' }, 'event.connectivity_lost', null, ''],
  ])('%s with %o is told as %s', (type, data, key, to, name) => {
    expect(feedItem({ ...base, type, data })).toMatchObject({ key, to, name })
    expect(en.event).toHaveProperty(key.slice('event.'.length))
  })
})
