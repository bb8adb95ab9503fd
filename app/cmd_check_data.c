/* check-data: what is in data files, and what is probably wrong with them. The first file is
 * taken for the training data; the others are compared with it. */
#include "commands.h"
#include "console.h"
#include "data_scan.h"
#include "json_text.h"
#include "records.h"

#include "base/error.h"
#include "base/memory.h"

static const char *const format_names[] = { "auto", "fasttext", "tsv", "csv", "jsonl", "text" };

typedef struct data_check {
    data_file *files; /* [count] */
    size_t count;
    data_rows rows;
    duplicates found;
} data_check;

static uint32_t quantile(const data_file *file, double share) {
    return file->records ? file->lengths[(size_t)(share * (double)(file->records - 1))] : 0;
}

static void print_labels(const data_file *file) {
    for (size_t i = 0; i < file->labels.count; i++) {
        const label_entry *label = &file->labels.entries[i];
        printf("  %9llu  ", (unsigned long long)label->records);
        print_padded(stdout, label->name, 1);
        const size_t other = likely_typo_of(&file->labels, i);
        if (label->records < RARE_RECORDS) printf("  (rare)");
        if (other != SIZE_MAX) {
            printf("  (a typo of ");
            print_padded(stdout, file->labels.entries[other].name, 1);
            printf("?)");
        }
        putchar('\n');
    }
}

static bool is_known(label_table *labels, const char *name) {
    const size_t count = labels->count;
    return label_table_index(labels, hw_text_of(name)) < count;
}

/* Labels of a later file that the first file does not have. */
static void print_new_labels(const data_check *check, const data_file *file) {
    size_t unknown = 0;
    for (size_t i = 0; i < file->labels.count; i++) {
        if (is_known(&check->files[0].labels, file->labels.entries[i].name)) continue;
        if (unknown++ < SHOWN) {
            printf("  not in %s: label ", check->files[0].name);
            print_padded(stdout, file->labels.entries[i].name, 1);
            printf(" (%llu)\n", (unsigned long long)file->labels.entries[i].records);
        }
    }
    if (unknown > SHOWN) printf("  and %zu more such labels\n", unknown - SHOWN);
}

static void print_file(const data_check *check, const data_file *file) {
    printf("%s: %s; records %zu, labels %zu, bad lines %zu\n", file->name,
           format_names[file->format], file->records, file->labels.count, file->bad_lines);
    for (size_t i = 0; i < file->bad_lines && i < SHOWN; i++) printf("  bad: %s\n", file->bad[i]);
    printf("  characters: least %u, median %u, 90 %% %u, 99 %% %u, most %u\n", quantile(file, 0),
           quantile(file, 0.5), quantile(file, 0.9), quantile(file, 0.99), quantile(file, 1));
    if (file->empty_texts) printf("  empty texts: %zu\n", file->empty_texts);
    if (file->unlabelled) printf("  records without a label: %zu\n", file->unlabelled);
    if (file->multi_label)
        printf("  records with several labels: %zu (the task is multi-label)\n", file->multi_label);
    if (file == check->files)
        print_labels(file);
    else
        print_new_labels(check, file);
}

static void print_group(const data_check *check, const duplicate_group *group) {
    printf("  same text%s:", group->has_conflict ? ", different labels" : "");
    for (size_t i = 0; i < group->count && i < SHOWN; i++) {
        const data_row *row = &check->rows.items[group->first + i];
        printf(" %s:%u", check->files[row->file].name, row->line);
    }
    printf(group->count > SHOWN ? " and %zu more\n" : "\n", group->count - SHOWN);
}

static void print_check(const data_check *check) {
    const duplicates *found = &check->found;
    for (size_t i = 0; i < check->count; i++) print_file(check, &check->files[i]);
    printf("duplicates: within a file %zu, across files %zu, with different labels %zu\n",
           found->within, found->across, found->conflicts);
    for (size_t i = 0; i < found->shown_count; i++) print_group(check, &found->shown[i]);
}

static json_t *label_json(const label_table *labels, size_t label) {
    const label_entry *entry = &labels->entries[label];
    const size_t other = likely_typo_of(labels, label);
    return json_pack("{s:s, s:I, s:b, s:s?}", "label", entry->name, "count",
                     (json_int_t)entry->records, "rare", (int)(entry->records < RARE_RECORDS),
                     "typo_of", other == SIZE_MAX ? NULL : labels->entries[other].name);
}

static json_t *file_json(const data_file *file) {
    json_t *bad = json_array(), *labels = json_array();
    for (size_t i = 0; i < file->bad_lines && i < SHOWN; i++)
        json_array_append_new(bad, json_text(hw_text_of(file->bad[i])));
    for (size_t i = 0; i < file->labels.count; i++)
        json_array_append_new(labels, label_json(&file->labels, i));
    json_t *lengths =
        json_pack("{s:I, s:I, s:I, s:I, s:I}", "least", (json_int_t)quantile(file, 0), "median",
                  (json_int_t)quantile(file, 0.5), "p90", (json_int_t)quantile(file, 0.9), "p99",
                  (json_int_t)quantile(file, 0.99), "most", (json_int_t)quantile(file, 1));
    return json_pack("{s:o, s:s, s:I, s:I, s:o, s:I, s:I, s:I, s:o, s:o}", "file",
                     json_text(hw_text_of(file->name)), "format", format_names[file->format],
                     "records", (json_int_t)file->records, "bad_lines", (json_int_t)file->bad_lines,
                     "bad", bad, "empty_texts", (json_int_t)file->empty_texts, "unlabelled",
                     (json_int_t)file->unlabelled, "multi_label", (json_int_t)file->multi_label,
                     "characters", lengths, "labels", labels);
}

static json_t *group_json(const data_check *check, const duplicate_group *group) {
    json_t *places = json_array();
    for (size_t i = 0; i < group->count && i < SHOWN; i++) {
        const data_row *row = &check->rows.items[group->first + i];
        json_array_append_new(places, json_pack("{s:o, s:I}", "file",
                                                json_text(hw_text_of(check->files[row->file].name)),
                                                "line", (json_int_t)row->line));
    }
    return json_pack("{s:I, s:b, s:o}", "records", (json_int_t)group->count, "conflict",
                     (int)group->has_conflict, "places", places);
}

static hw_status print_check_json(const data_check *check, hw_error *err) {
    const duplicates *found = &check->found;
    json_t *files = json_array(), *groups = json_array();
    for (size_t i = 0; i < check->count; i++)
        json_array_append_new(files, file_json(&check->files[i]));
    for (size_t i = 0; i < found->shown_count; i++)
        json_array_append_new(groups, group_json(check, &found->shown[i]));
    return json_print_line(json_pack("{s:o, s:{s:I, s:I, s:I, s:o}}", "files", files, "duplicates",
                                     "within", (json_int_t)found->within, "across",
                                     (json_int_t)found->across, "conflicts",
                                     (json_int_t)found->conflicts, "examples", groups),
                           err);
}

static hw_status run_check(data_check *check, const arguments *args, hw_error *err) {
    const hw_reader_options options = reader_options(args);
    check->files = hw_calloc(args->positionals, sizeof *check->files);
    if (!check->files) return hw_fail_memory(err, args->positionals * sizeof *check->files);
    check->count = args->positionals;
    for (size_t i = 0; i < check->count; i++)
        HW_TRY(data_scan(&check->files[i], &check->rows, (uint32_t)i, args->positional[i], &options,
                         err));
    duplicates_find(&check->found, &check->rows);
    if (is_given(args, OPTION_JSON)) return print_check_json(check, err);
    print_check(check);
    return HW_OK;
}

int cmd_check_data(const arguments *args) {
    data_check check = { 0 };
    hw_error err;
    const hw_status status = run_check(&check, args, &err);
    for (size_t i = 0; i < check.count; i++) data_file_free(&check.files[i]);
    hw_free(check.files);
    hw_free(check.rows.items);
    return status == HW_OK ? DONE : console_error(&err);
}
