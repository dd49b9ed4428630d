// Runs the script beside it, whose name is this one's with `.txt`; see bundleWithCodeCache.
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { constants, Script } = require('node:vm');

const filename = `${__filename}.txt`;
const cache = `${__filename}.cache`;

const cachedData = readIfAny(cache);
const source = readFileSync(filename, 'latin1'); // esbuild writes ASCII
const script = new Script(`(function (require, module, exports) {${source}\n})`, {
  filename,
  cachedData,
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
if (cachedData === undefined) {
  // By then it also has the functions that are compiled when they are first called.
  process.on('exit', () => {
    const own = `${cache}.${process.pid}`;
    writeFileSync(own, script.createCachedData());
    renameSync(own, cache);
  });
}
script.runInThisContext()(require, module, exports);

function readIfAny(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
