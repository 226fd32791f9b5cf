# shellcheck shell=bash
# Suggests a word for a misspelt one. It is here because cloud-init brings only this folder to a new machine.

# nearest WORD CANDIDATE...: "; did you mean X?" for the candidate with the fewest edits, nothing if none is close.
nearest() {
  printf '%s\n' "$@" | awk '
    function least(a, b, c) { return a < b ? (a < c ? a : c) : (b < c ? b : c) }
    function edits(s, t,  i, j, d) {
      for (i = 0; i <= length(s); i++) d[i, 0] = i
      for (j = 0; j <= length(t); j++) d[0, j] = j
      for (i = 1; i <= length(s); i++)
        for (j = 1; j <= length(t); j++)
          d[i, j] = least(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (substr(s, i, 1) != substr(t, j, 1)))
      return d[length(s), length(t)]
    }
    NR == 1 { word = letters = $0; sub(/^-+/, "", letters); best = length(letters) / 2 + 0.5; next }
    edits(word, $0) < best { best = edits(word, $0); found = $0 }
    END { if (found) printf "; did you mean %s?", found }'
}
