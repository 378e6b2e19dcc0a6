# Cargo's version requirements in POSIX awk: satisfies("1.4.2", ">= 1.2, < 2") is 1. Pre-releases count as their release.

function version_number(text, parts, n, i, number) {
  sub(/[-+].*/, "", text)
  n = split(text, parts, ".")
  number = 0
  for (i = 1; i <= 3; i++) number = number * 100000 + (i <= n ? parts[i] + 0 : 0)
  return number
}

# The first version that a caret requirement no longer allows.
function caret_end(text, parts, n) {
  n = split(text, parts, ".")
  if (parts[1] + 0 > 0 || n == 1) return version_number((parts[1] + 1) ".0.0")
  if (parts[2] + 0 > 0 || n == 2) return version_number("0." (parts[2] + 1) ".0")
  return version_number("0.0." (parts[3] + 1))
}

function compares(version, requirement, operator, number, bound, parts, n) {
  gsub(/[ \t]/, "", requirement)
  if (requirement == "" || requirement == "*") return 1
  operator = requirement
  sub(/[0-9].*/, "", operator)
  requirement = substr(requirement, length(operator) + 1)
  number = version_number(version)
  bound = version_number(requirement)
  if (operator == ">=") return number >= bound
  if (operator == ">") return number > bound
  if (operator == "<=") return number <= bound
  if (operator == "<") return number < bound
  if (operator == "=") return number == bound
  if (operator == "~") {
    n = split(requirement, parts, ".")
    return number >= bound && number < version_number(n == 1 ? (parts[1] + 1) : parts[1] "." (parts[2] + 1))
  }
  return number >= bound && number < caret_end(requirement)
}

function satisfies(version, requirement, parts, n, i) {
  n = split(requirement, parts, ",")
  for (i = 1; i <= n; i++) if (!compares(version, parts[i])) return 0
  return 1
}

# Whether any of a TOML list of requirements holds: ["< 0.3", ">= 0.4, < 0.5"].
function any_satisfied(version, list) {
  while (match(list, /"[^"]*"/)) {
    if (satisfies(version, substr(list, RSTART + 1, RLENGTH - 2))) return 1
    list = substr(list, RSTART + RLENGTH)
  }
  return 0
}

# The value of a quoted field in a one-line TOML table.
function field(line, name) {
  if (!match(line, name " *= *\"[^\"]*\"")) return ""
  line = substr(line, RSTART, RLENGTH)
  sub(/^[^"]*"/, "", line)
  sub(/"$/, "", line)
  return line
}
