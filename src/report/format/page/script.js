'use strict';
const text = document.getElementById('filter');
const level = document.getElementById('level');
const shown = document.getElementById('shown');
const items = Array.from(document.querySelectorAll('#findings li'));
const words = items.map((item) => item.textContent.toLowerCase());
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
apply();
