'use strict';
const text = document.getElementById('filter');
const level = document.getElementById('level');
const shown = document.getElementById('shown');
let items = [];
let words = [];
function collect() {
  items = Array.from(document.querySelectorAll('#findings li'));
  words = items.map((item) => item.textContent.toLowerCase());
  apply();
}
function apply() {
  const wanted = text.value.toLowerCase();
  let count = 0;
  items.forEach((item, at) => {
    const fits = words[at].includes(wanted) ? level.value === '' || item.className === level.value : false;
    item.hidden = !fits;
    if (fits) { count += 1; }
  });
  shown.textContent = count + ' of ' + items.length + ' shown';
}
text.addEventListener('input', apply);
level.addEventListener('change', apply);
document.querySelector('form').addEventListener('submit', (event) => event.preventDefault());
document.addEventListener('click', async (event) => {
  const button = event.target.closest('button.copy');
  if (!button) { return; }
  const fix = button.parentElement.querySelector('pre');
  const range = document.createRange();
  range.selectNodeContents(fix);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  // A page from a file may have no clipboard of its own; what is selected can be copied all the same.
  let done = false;
  try {
    await navigator.clipboard.writeText(fix.textContent);
    done = true;
  } catch (error) {
    done = document.execCommand('copy');
  }
  button.textContent = done ? 'Copied' : 'Selected: press Ctrl+C';
});
collect();

// Served by a controller, the page follows it. The form stays what it is, with all that is in it.
const live = document.getElementById('live');
function opened() {
  const open = document.querySelectorAll('details[open] pre');
  return new Set(Array.from(open, (fix) => fix.textContent));
}
function replace(page) {
  const open = opened();
  const focused = document.activeElement;
  const form = document.querySelector('form');
  page.querySelector('form').replaceWith(form);
  page.querySelectorAll('details').forEach((fix) => {
    fix.open = open.has(fix.querySelector('pre').textContent);
  });
  document.title = page.title;
  page.querySelector('#live').replaceWith(live);
  for (const part of ['header', 'main']) {
    document.querySelector(part).replaceWith(page.querySelector(part));
  }
  if (form.contains(focused)) { focused.focus(); }
  collect();
}
let last = '';
async function follow() {
  try {
    const answer = await fetch('/');
    if (!answer.ok) { throw new Error(answer.statusText); }
    const source = await answer.text();
    if (last !== '' ? source !== last : false) { replace(new DOMParser().parseFromString(source, 'text/html')); }
    last = source;
    live.textContent = 'As it is now';
  } catch (error) {
    live.textContent = 'As it was when the controller answered last';
  }
}
if (live) {
  follow();
  setInterval(follow, 2000);
}
