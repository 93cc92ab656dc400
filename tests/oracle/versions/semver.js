// Reads two versions a line, with a tab between, and says how npm's semver (its folder is the argument) orders them; "?" where it refuses one.
const semver = require(process.argv[2])
const lines = require('fs').readFileSync(0, 'utf8').split('\n').slice(0, -1)
for (const line of lines) {
  const [a, b] = line.split('\t')
  console.log(semver.valid(a) && semver.valid(b) ? semver.compare(a, b) : '?')
}
