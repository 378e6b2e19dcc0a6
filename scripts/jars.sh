# Java programs from Maven: a folder of jars that a pom.xml names and a SHA256SUMS beside it lists, one by one. Sourced after
# lib.sh. New version: edit the pom.xml, empty the sums, fetch, review what is printed.

# Every jar of recipe $1 is in folder $2 and is the one that was reviewed.
jars_verified() { [ -d "$2" ] && (cd "$2" && sha256sum --quiet --strict -c "$1/SHA256SUMS") >/dev/null 2>&1; }

# Downloads the jars of recipe $1 into folder $2; $3 says what they are.
fetch_jars() {
  local recipe=$1 jars=$2 fresh
  if jars_verified "$recipe" "$jars"; then return; fi
  command -v java >/dev/null || die "no Java found; on Debian and Ubuntu: apt-get install --no-install-recommends openjdk-17-jre-headless maven"
  command -v mvn >/dev/null || die "no Maven found; on Debian and Ubuntu: apt-get install --no-install-recommends maven"
  mkdir -p "$(dirname "$jars")"
  fresh=$(mktemp -d "$jars.XXXXXX")
  say "downloading with Maven: $3"
  mvn -B -ntp -q -f "$recipe/pom.xml" dependency:copy-dependencies -DoutputDirectory="$fresh" </dev/null >"$fresh.log" 2>&1 \
    || { tail -5 "$fresh.log" >&2; rm -rf "$fresh" "$fresh.log"; die "Maven could not download the jars"; }
  rm -f "$fresh.log"
  rm -rf "$jars"
  mv "$fresh" "$jars"
  jars_verified "$recipe" "$jars" || { (cd "$jars" && sha256sum ./*.jar | sed 's, \./, ,'); die "the jars differ from $recipe/SHA256SUMS and will not be run"; }
}

# Only jars of the checked list are on the class path.
class_path() { sed "s,^[0-9a-f]*  ,$2/,;\$!s,\$,:," "$1/SHA256SUMS" | tr -d '\n'; }
