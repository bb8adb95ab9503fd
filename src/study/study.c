/* hw_study: the order in which a study goes. */
#include "study/study.h"

#include "base/folder.h"
#include "base/memory.h"
#include "base/plain_numbers.h"
#include "study/report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

hw_job hw_study_job(const hw_experiment *study, hw_arm arm, int32_t seed) {
    const bool is_twin = study->options->twins && arm != HW_ARM_MH;
    const hw_arm own = is_twin ? HW_ARM_MH : arm;
    const hw_choice *choice = &study->choices[own];
    return (hw_job){ .arm = own,
                     .heads = study->heads,
                     .rate = choice->rate,
                     .dropout = choice->dropout,
                     .seed = (uint64_t)seed + (is_twin ? HW_TWIN_SEED * (uint64_t)arm : 0) };
}

const json_t *hw_study_run(const hw_experiment *study, const hw_job *job) {
    const json_t *run = hw_runs_get(study->runs, job);
    return json_object_get(run, "diverged") ? NULL : run;
}

bool hw_study_report(const hw_experiment *study, const char *stage, double share) {
    const hw_study_options *options = study->options;
    const hw_progress progress = { .stage = stage,
                                   .overall = share,
                                   .loss = NAN,
                                   .learning_rate = NAN,
                                   .texts_per_second = NAN,
                                   .valid_score = NAN,
                                   .valid_loss = NAN };
    return !options->progress || options->progress(options->user, &progress);
}

/* ---- Options ------------------------------------------------------------------------------ */

/* By the letters of `claims`, or all of them. */
static hw_status choose_claims(hw_results *results, const char *claims, hw_error *err) {
    char letters[] = { ',', ' ', [2 + HW_CLAIMS] = '\0' };
    for (hw_claim_id id = 0; id < HW_CLAIMS; id++) {
        letters[2 + id] = hw_claims[id].letter;
        if (!claims || strchr(claims, hw_claims[id].letter)) results->ids[results->count++] = id;
    }
    if (results->count && (!claims || !claims[strspn(claims, letters)])) return HW_OK;
    return hw_fail(err, HW_ERROR_ARGUMENT, "claims: \"%s\" must be letters of %s", claims,
                   letters + 2);
}

static hw_status check(hw_experiment *study, const hw_study_options *o, hw_error *err) {
    static const int32_t seeds[] = { [HW_STUDY_DEFAULT] = 10,
                                     [HW_STUDY_QUICK] = 5,
                                     [HW_STUDY_STANDARD] = 10,
                                     [HW_STUDY_FULL] = 20 };
    if (!o->input || !o->output)
        return hw_fail(err, HW_ERROR_ARGUMENT, "a study needs an input and an output");
    if (o->level < HW_STUDY_DEFAULT || o->level > HW_STUDY_FULL)
        return hw_fail(err, HW_ERROR_ARGUMENT, "there is no level %d of a study", (int)o->level);
    if (o->seeds < 0 || o->seeds == 1 || o->seeds > HW_STUDY_MOST_SEEDS)
        return hw_fail(err, HW_ERROR_ARGUMENT, "seeds must be 2 to %d", (int)HW_STUDY_MOST_SEEDS);
    if (!isfinite(o->epsilon) || o->epsilon < 0)
        return hw_fail(err, HW_ERROR_ARGUMENT, "epsilon must be above 0");
    *study = (hw_experiment){ .options = o,
                              .level = o->level ? o->level : HW_STUDY_STANDARD,
                              .seeds = o->seeds ? o->seeds : seeds[o->level],
                              .epsilon = o->epsilon > 0 ? o->epsilon : 0.5 };
    return HW_OK;
}

/* ---- The order ---------------------------------------------------------------------------- */

static hw_status make_folder(const char *path, hw_error *err) {
    if (hw_is_folder(path) || hw_io_mkdir(path) == 0) return HW_OK;
    return hw_fail(err, HW_ERROR_IO, "%s: %s", path,
                   errno == EEXIST ? "is a file, not a folder" : strerror(errno));
}

static hw_status train(hw_experiment *study, const hw_results *results, hw_error *err) {
    for (size_t i = 0; i < results->count; i++) {
        const uint32_t arms = hw_claim_arms(results->ids[i], study->level);
        study->arms |= arms;
        if (results->ids[i] == HW_CLAIM_h) study->order_arms = arms;
    }
    HW_TRY(hw_study_choose(study, err));
    for (size_t i = 0; i < results->count; i++) HW_TRY(hw_claims[results->ids[i]].want(study, err));
    return hw_runs_do(study->runs, "training", 0.15, 0.97, err);
}

static void judge(hw_results *results) {
    hw_crossed effects[HW_CLAIMS];
    hw_finding findings[HW_CLAIMS];
    double epsilons[HW_CLAIMS];
    for (size_t i = 0; i < results->count; i++) {
        effects[i] = results->items[i].effect;
        epsilons[i] = results->items[i].epsilon;
    }
    hw_findings_judge(findings, effects, epsilons, results->count);
    for (size_t i = 0; i < results->count; i++) {
        if (*results->items[i].refusal) findings[i].verdict = HW_VERDICT_NOT_COMPARABLE;
        results->items[i].finding = findings[i];
    }
}

static hw_status measure(hw_results *results, const hw_experiment *study, hw_error *err) {
    for (size_t i = 0; i < results->count; i++)
        HW_TRY(hw_claims[results->ids[i]].measure(&results->items[i], study, err));
    judge(results);
    return HW_OK;
}

static hw_status report(const hw_experiment *study, const hw_results *results, hw_error *err) {
    HW_TRY(hw_report_json(study, results, err));
    HW_TRY(hw_report_csv(study, err));
    HW_TRY(hw_report_markdown(study, results, err));
    HW_TRY(hw_report_html(study, results, err));
    hw_study_report(study, "done", 1);
    return HW_OK;
}

static hw_status run(hw_experiment *study, hw_results *results, const char *folder, hw_error *err) {
    const hw_study_options *o = study->options;
    const hw_runs_options options = { .parts = &study->parts,
                                      .folder = folder,
                                      .threads = o->threads > 0 ? o->threads : hw_cpu_count(),
                                      .progress = o->progress,
                                      .user = o->user };
    HW_TRY(hw_parts_load(&study->parts, o, err));
    HW_TRY(make_folder(o->output, err));
    HW_TRY(make_folder(folder, err));
    study->runs = hw_runs_new(&options, err);
    if (!study->runs) return HW_ERROR_MEMORY;
    HW_TRY(train(study, results, err));
    HW_TRY(measure(results, study, err));
    return report(study, results, err);
}

hw_status hw_study(const hw_study_options *options, hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    hw_results results = { 0 };
    hw_experiment study;
    hw_plain_numbers numbers;
    HW_TRY(check(&study, options, err));
    HW_TRY(choose_claims(&results, options->claims, err));
    char *folder = hw_path_join(options->output, "runs", err);
    if (!folder) return HW_ERROR_MEMORY;
    hw_status status = hw_plain_numbers_begin(&numbers, err);
    if (status == HW_OK) {
        status = run(&study, &results, folder, err);
        hw_plain_numbers_end(&numbers);
    }
    for (size_t i = 0; i < results.count; i++) json_decref(results.items[i].tables);
    hw_runs_free(study.runs);
    hw_parts_free(&study.parts);
    hw_free(folder);
    return status;
}
