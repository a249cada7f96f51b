"""The live page of `check_serve`: a table whose traces are drawn from polled figures."""

from lbp_rehab.emg.check import SHOWN_S
from lbp_rehab.emg.check_page import LEAST_SCALE_UV, STYLE
from lbp_rehab.emg.check_text import BAR_FROM_V, BAR_TO_V

POLL_MS = 250

_STYLE = """
canvas { width: 100%; height: 42px; display: block; background: var(--card) }
td.t { width: 34%; position: relative; padding: .15rem .3rem }
td.t span { position: absolute; left: .5rem; top: .1rem; font-size: .68rem; color: var(--soft) }
td:nth-child(2) { min-width: 11rem }
body { max-width: 84rem; margin-top: .8rem } td, th { padding: .2rem .45rem }
#state { font-size: .87rem; margin: 0 } #state.bad { font-weight: 600; margin: .3rem 0 }
@media (max-width: 60rem) { .wide { display: none } }
"""
_SCRIPT = """
const $ = id => document.getElementById(id), rows = new Map();
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name);
const number = (v, d) => v === null ? '\\u2013' : v.toFixed(d);
const kind = c => c.quality === 'good' || c.quality === 'noisy' || c.quality === 'unknown'
  ? c.quality : 'bad';
function cell(tr, name) {
  const td = tr.insertCell(); td.className = name; return td;
}
function part(parent, tag, name) {
  const e = document.createElement(tag); e.className = name || ''; parent.append(e); return e;
}
function row(c) {
  const tr = $('rows').insertRow(), r = {};
  const first = cell(tr, ''); first.append(c.label); part(first, 'small').textContent = c.place;
  const quality = cell(tr, ''); r.word = part(quality, 'span'); r.advice = part(quality, 'small');
  r.numbers = ['n', 'n', 'n wide', 'n wide', 'n wide', 'n'].map(n => cell(tr, n));
  r.bar = part(part(cell(tr, 'wide'), 'div', 'bar'), 'i');
  const trace = cell(tr, 't'); r.scale = part(trace, 'span'); r.canvas = part(trace, 'canvas');
  return r;
}
function scaleOf(pairs) {
  let top = LEAST;
  for (const p of pairs) if (p) top = Math.max(top, Math.abs(p[0]), Math.abs(p[1]));
  const step = 10 ** Math.floor(Math.log10(top));
  return [1, 2, 5, 10].map(m => m * step).find(s => s >= top - 1e-9);
}
function draw(r, pairs) {
  const canvas = r.canvas, ratio = window.devicePixelRatio || 1;
  const w = canvas.clientWidth, h = canvas.clientHeight;
  canvas.width = w * ratio; canvas.height = h * ratio;
  const g = canvas.getContext('2d'); g.scale(ratio, ratio);
  g.strokeStyle = css('--line'); g.lineWidth = 1;
  for (let s = 1; s < SECONDS; s++) {
    const x = Math.round(w * s / SECONDS) + .5;
    g.beginPath(); g.moveTo(x, 0); g.lineTo(x, h); g.stroke();
  }
  const scale = scaleOf(pairs), y = v => h / 2 - v / scale * (h / 2 - 2);
  r.scale.textContent = '\\u00b1' + scale + ' \\u00b5V';
  g.strokeStyle = css('--trace'); g.beginPath();
  pairs.forEach((p, k) => {
    if (!p) return;
    const x = w * (k + .5) / pairs.length, low = y(p[0]), high = y(p[1]);
    g.moveTo(x, Math.min(high, low - .5)); g.lineTo(x, Math.max(low, high + .5));
  });
  g.lineWidth = Math.max(1, w / pairs.length); g.stroke();
}
function show(d) {
  $('verdict').textContent = d.verdict || 'Waiting for sEMG';
  $('heading').textContent = d.heading;
  $('said').replaceChildren(...[...d.notes, ...d.said].map(s => {
    const p = document.createElement('p'); p.className = 'soft'; p.textContent = s; return p;
  }));
  $('table').hidden = d.channels.length === 0;
  d.channels.forEach((c, k) => {
    if (!rows.has(c.label)) rows.set(c.label, row(c));
    const r = rows.get(c.label);
    r.word.className = 'q ' + kind(c); r.word.replaceChildren();
    part(r.word, 'b').textContent = c.mark; r.word.append(c.word);
    r.advice.textContent = c.advice.replace(/ uV/g, ' \\u00b5V');
    const values = [[c.rest_uv, 1], [c.mains_uv, 1], [c.heart_uv, 0], [c.drift_uv, 0],
      [c.peak_to_peak_uv, 0], [c.usable_share === null ? null : 100 * c.usable_share, 0]];
    values.forEach(([v, digits], i) => { r.numbers[i].textContent = number(v, digits); });
    const share = Math.log10(Math.max(c.level_uv, FROM) / FROM) / Math.log10(TO / FROM);
    r.bar.style.width = 100 * Math.min(share, 1) + '%';
    draw(r, d.traces[k]);
  });
}
async function poll() {
  try {
    show(await (await fetch('data.json', {cache: 'no-store'})).json());
    $('state').textContent = ''; $('state').className = '';
  } catch (error) {
    $('state').textContent = 'The check has ended; these are its last figures.';
    $('state').className = 'bad';
  }
  setTimeout(poll, POLL);
}
poll();
"""
_CONSTANTS = (
    f"const SECONDS = {SHOWN_S:g}, LEAST = {LEAST_SCALE_UV:g}, POLL = {POLL_MS}, "
    f"FROM = {1e6 * BAR_FROM_V:g}, TO = {1e6 * BAR_TO_V:g};"
)
PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>sEMG check, live</title><style>{STYLE}{_STYLE}</style></head><body>
<h1>sEMG check, live</h1><p class="verdict" id="verdict">Waiting for sEMG</p>
<p class="soft" id="heading"></p><div id="said"></div><p id="state"></p>
<table id="table" hidden><thead><tr><th>channel<small>&nbsp;</small><th>quality<small>&nbsp;</small>
<th class="n">rest<small>&micro;V RMS</small><th class="n">mains<small>&micro;V RMS</small>
<th class="n wide">heart<small>&micro;V peak</small>
<th class="n wide">drift<small>&micro;V &lt; 2 Hz</small>
<th class="n wide">p-p<small>&micro;V in 1 s</small><th class="n">usable<small>% of time</small>
<th class="wide">now<small>1 &micro;V to 1 mV</small>
<th>latest {SHOWN_S:.0f} s<small>band-passed, 1 s a line</small></tr></thead>
<tbody id="rows"></tbody></table>
<p class="soft">Research software, not a medical device.</p>
<script>{_CONSTANTS}{_SCRIPT}</script></body></html>
"""
