// Headless Chromium with N Element Call participants, driven by JSON lines on stdin; one JSON answer per line on stdout.
import { createRequire } from 'node:module';
import readline from 'node:readline';
import fs from 'node:fs';
import path from 'node:path';
const need = createRequire(path.join(process.env.EC_NODE_DIR, 'x.js'));
const { chromium } = need('playwright-core');
const EC = process.env.EC_URL, parts = {};
const args = ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
  ...(process.env.EC_CHROMIUM_ICE ?? '--allow-loopback-in-peer-connection --disable-features=WebRtcHideLocalIpsWithMdns').split(' ').filter(Boolean), '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows', ...(process.env.EC_CHROMIUM_ARGS || '').split(' ').filter(Boolean)];
const br = await chromium.launch({ executablePath: process.env.EC_CHROMIUM, headless: true, args });

// runs inside the page
function init(session, settings) {
  localStorage.setItem('matrix-auth-store', session);
  for (const [k, v] of Object.entries(settings)) localStorage.setItem('matrix-setting-' + k, JSON.stringify(v));
  window.__pcs = [];
  const P = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends P { constructor(...a) { super(...a); window.__pcs.push(this); } };
  window.__vf = new Map();                       // video element -> [frame times]
  setInterval(() => { for (const v of document.querySelectorAll('video')) if (!window.__vf.has(v)) {
      const t = []; t.born = performance.now(); window.__vf.set(v, t);
      const cb = n => { t.push(n); if (t.length > 4000) t.splice(0, 1000); v.requestVideoFrameCallback(cb); };
      v.requestVideoFrameCallback(cb); } }, 200);
}
const tiles = async () => {
  const out = [];
  for (const v of document.querySelectorAll('video')) {
    const tile = v.closest('[data-testid=videoTile]');
    const r = { name: tile?.querySelector('[data-testid=name_tag]')?.textContent ?? null, w: v.videoWidth, h: v.videoHeight,
      screen: !!tile?.querySelector('[data-testid=screenshare-indicator]'), enc: tile?.querySelector('[data-encrypted]')?.getAttribute('data-encrypted') ?? null,
      frames: v.getVideoPlaybackQuality().totalVideoFrames };
    if (v.videoWidth) {
      const c = document.createElement('canvas'); c.width = 64; c.height = 36;
      const g = c.getContext('2d'); g.drawImage(v, 0, 0, 64, 36);
      const d = g.getImageData(0, 0, 64, 36).data, n = d.length / 4, m = [0, 0, 0], s = [0, 0, 0], set = new Set();
      for (let i = 0; i < d.length; i += 4) { for (let k = 0; k < 3; k++) { m[k] += d[i + k]; s[k] += d[i + k] ** 2; } set.add((d[i] >> 4) << 8 | (d[i + 1] >> 4) << 4 | d[i + 2] >> 4); }
      r.rgb = m.map(x => Math.round(x / n)); r.std = Math.round(m.reduce((a, x, k) => a + Math.sqrt(Math.max(0, s[k] / n - (x / n) ** 2)), 0) / 3 * 10) / 10; r.colours = set.size;
    }
    out.push(r);
  }
  return out;
};
const watch = () => {                            // sample framesDecoded per received video track every 100 ms
  window.__dec = new Map();
  window.__decTimer = setInterval(async () => { for (const pc of window.__pcs) { if (pc.connectionState === 'closed') continue;
      (await pc.getStats()).forEach(s => { if (s.type !== 'inbound-rtp' || s.kind !== 'video') return;
        const e = window.__dec.get(s.trackIdentifier) || { n: -1, t: [], born: performance.now() }; window.__dec.set(s.trackIdentifier, e);
        if ((s.framesDecoded || 0) > e.n) { e.n = s.framesDecoded || 0; e.t.push(performance.now()); } e.seen = performance.now(); }); } }, 100);
};
const gaps = since => {                          // longest pause per remote tile over the last `since` seconds: shown (this element) and decoded (this track, ±0.1 s)
  const now = performance.now(), out = {}, from = now - since * 1000; let at = 0;
  const longest = (t, born) => { const a = Math.max(from, born), p = [a, ...t.filter(x => x >= a), now]; let g = 0; for (let i = 1; i < p.length; i++) if (p[i] - p[i - 1] > g) { g = p[i] - p[i - 1]; at = p[i - 1] - from; } return Math.round(g) / 1000; };
  for (const [v, t] of window.__vf) { if (!v.isConnected) continue;
    const tile = v.closest('[data-testid=videoTile]'); const tr = v.srcObject?.getVideoTracks?.()[0];
    const name = (tile?.querySelector('[data-testid=name_tag]')?.textContent ?? '?') + ' ' + v.videoWidth, d = tr && window.__dec?.get(tr.id);
    out[name] = { gap: longest(t, t.born || 0), n: t.filter(x => x >= from).length, decoded: d ? longest(d.t, d.born) : null, decodedGapAt: d ? Math.round(at) / 1000 : null, track: tr?.id, young: Math.round(now - (t.born || 0)) / 1000 }; }
  return out;
};
const stats = async () => {
  const out = { inbound: [], outbound: [], pairs: [] };
  for (const pc of window.__pcs) { if (pc.connectionState === 'closed') continue;
    const rep = await pc.getStats(), by = {}; rep.forEach(s => by[s.id] = s);
    for (const s of Object.values(by)) {
      if (s.type === 'inbound-rtp') out.inbound.push({ kind: s.kind, mid: s.mid, codec: by[s.codecId]?.mimeType, packets: s.packetsReceived, lost: s.packetsLost, frames: s.framesDecoded, fps: s.framesPerSecond, w: s.frameWidth, h: s.frameHeight,
        track: s.trackIdentifier, received: s.framesReceived, dropped: s.framesDropped, key: s.keyFramesDecoded, pli: s.pliCount, nack: s.nackCount, freezes: s.freezeCount, freezeS: s.totalFreezesDuration, energy: s.totalAudioEnergy, level: s.audioLevel, concealed: s.concealedSamples, samples: s.totalSamplesReceived, decodeMs: s.totalDecodeTime && s.framesDecoded ? 1000 * s.totalDecodeTime / s.framesDecoded : undefined });
      if (s.type === 'outbound-rtp') out.outbound.push({ kind: s.kind, rid: s.rid, active: s.active, codec: by[s.codecId]?.mimeType, w: s.frameWidth, h: s.frameHeight, fps: s.framesPerSecond, frames: s.framesEncoded, bytes: s.bytesSent, limit: s.qualityLimitationReason });
      if (s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded') out.pairs.push([by[s.localCandidateId], by[s.remoteCandidateId]].map(c => c && `${c.protocol} ${c.address}:${c.port} ${c.candidateType}`).join(' -> ') + ` rtt=${s.currentRoundTripTime}`);
    } }
  return out;
};

const cmds = {
  async open({ name, session, room, settings = {}, params = '', viewport }) {
    const ctx = await br.newContext({ permissions: ['camera', 'microphone'], viewport: viewport || { width: 1280, height: 720 } });
    const page = await ctx.newPage(), con = [];
    page.on('console', m => con.push([Date.now(), m.type(), m.text().slice(0, 400)]));
    page.on('pageerror', e => con.push([Date.now(), 'pageerror', String(e).slice(0, 400)]));
    await page.addInitScript(`(${init})(${JSON.stringify(JSON.stringify(session))}, ${JSON.stringify(settings)})`);
    await page.goto(`${EC}/room#?roomId=${encodeURIComponent(room)}${params}`);
    await page.getByTestId('lobby_joinCall').waitFor({ timeout: 60000 });
    parts[name] = { ctx, page, con };
    return { encrypted: await page.locator('[data-encrypted]').first().getAttribute('data-encrypted').catch(() => null) };
  },
  async join({ name, video = true, audio = true }) {
    const p = parts[name].page;
    if (!video) await p.getByTestId('incall_videomute').click();
    if (!audio) await p.getByTestId('incall_mute').click();
    await p.getByTestId('lobby_joinCall').click();
    await p.getByTestId('incall_leave').waitFor({ timeout: 30000 });
    return {};
  },
  async tiles({ name }) { return parts[name].page.evaluate(tiles); },
  async gaps({ name, since }) { return parts[name].page.evaluate(gaps, since); },
  async watch({ name, off }) { return parts[name].page.evaluate(off ? 'clearInterval(window.__decTimer)' : watch); },
  async stats({ name }) { return parts[name].page.evaluate(stats); },
  async shot({ name, path }) { await parts[name].page.screenshot({ path }); return {}; },
  async text({ name }) { return (await parts[name].page.locator('body').innerText()).replace(/\s+/g, ' ').slice(0, 1500); },
  async click({ name, id }) { await parts[name].page.getByTestId(id).first().click({ timeout: 10000 }); return {}; },
  async clickText({ name, text }) { await parts[name].page.getByText(text).first().click({ timeout: 10000 }); return {}; },
  async key({ name, key }) { await parts[name].page.keyboard.press(key); return {}; },
  async evaluate({ name, js }) { return parts[name].page.evaluate(js); },
  async console({ name, match, dump, since }) { const { con } = parts[name]; if (dump) fs.writeFileSync(dump, con.map(c => c.join(' ')).join('\n'));
    const r = new RegExp(match || '.', 'i'); const from = since ? Date.now() - since * 1000 : 0;
    const hit = con.filter(c => c[0] >= from && r.test(c[2])); return { total: con.length, n: hit.length, last: hit.slice(-12) }; },
  async leave({ name }) { const p = parts[name].page; await p.getByTestId('incall_leave').click({ timeout: 10000 }); await p.waitForTimeout(1500); return {}; },
  async close({ name }) { await parts[name].ctx.close(); delete parts[name]; return {}; },
  async quit() { await br.close(); return {}; },
};
const say = o => process.stdout.write(JSON.stringify(o) + '\n');
say({ ready: true });
for await (const line of readline.createInterface({ input: process.stdin })) {
  let q; try { q = JSON.parse(line); } catch { continue; }
  (async () => { try { say({ id: q.id, ok: await cmds[q.cmd](q) }); } catch (e) { say({ id: q.id, error: String(e).slice(0, 600) }); } if (q.cmd === 'quit') process.exit(0); })();
}
await br.close(); process.exit(0);
