"""The functions of databases that read nothing but what they are given."""

from __future__ import annotations

from typing import Final

from sqlglot import exp

# fmt: off
_NAMES: Final = frozenset({
    "bit_and", "bit_or", "bit_xor", "btrim", "date", "date_format", "date_part", "datetime", "every",
    "field", "find_in_set", "from_unixtime", "json", "json_agg", "json_array", "json_array_elements",
    "json_array_elements_text", "json_array_length", "json_arrayagg", "json_build_array",
    "json_build_object", "json_contains", "json_contains_path", "json_each", "json_each_text",
    "json_extract_path", "json_group_array", "json_group_object", "json_insert", "json_length",
    "json_merge_patch", "json_object_agg", "json_object_keys", "json_overlaps", "json_patch",
    "json_quote", "json_replace", "json_search", "json_tree", "json_typeof", "json_unquote",
    "json_valid", "json_value", "jsonb_agg", "jsonb_array_elements", "jsonb_array_elements_text",
    "jsonb_array_length", "jsonb_build_array", "jsonb_build_object", "jsonb_each", "jsonb_each_text",
    "jsonb_extract_path", "jsonb_extract_path_text", "jsonb_object_agg", "jsonb_object_keys",
    "jsonb_path_exists", "jsonb_path_query", "jsonb_path_query_array", "jsonb_path_query_first",
    "jsonb_set", "jsonb_typeof", "julianday", "make_date", "now", "octet_length", "phraseto_tsquery",
    "plainto_tsquery", "printf", "quote", "regexp_match", "regexp_matches", "regexp_split_to_array",
    "regexp_split_to_table", "setweight", "similarity", "strftime", "time", "to_date", "to_json",
    "to_jsonb", "to_timestamp", "to_tsquery", "to_tsvector", "total", "ts_headline", "ts_rank",
    "ts_rank_cd", "unixepoch", "websearch_to_tsquery", "weekday", "word_similarity",
})
# fmt: on
"""Those for which the parser has no class of its own."""


def is_known(function: exp.Func) -> bool:
    """Whether a function is one of the database's own that reads no table by itself.

    Any other could be a stored function, or one that carries out SQL, as `query_to_xml` does.
    """
    is_unknown = isinstance(function, exp.Anonymous | exp.AnonymousAggFunc)
    return not is_unknown or function.name.lower() in _NAMES
