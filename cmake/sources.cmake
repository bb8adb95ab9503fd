# Every source file by name; a file that is missing stops the configuration.
set(HEADWISE_SOURCES
    src/base/checksum.c
    src/base/cpu_count.c
    src/base/error.c
    src/base/fault.c
    src/base/file.c
    src/base/file_replace.c
    src/base/json.c
    src/base/memory.c
    src/base/random.c
    src/base/text_buffer.c
    src/base/threads.c
    src/text/dataset.c
    src/text/dictionary.c
    src/text/draft.c
    src/text/fasttext.c
    src/text/fields.c
    src/text/format.c
    src/text/jsonl.c
    src/text/lines.c
    src/text/ngrams.c
    src/text/reader.c
    src/text/stream.c
    src/text/utf8.c
    src/text/words.c
    src/tensor/kernels.c
    src/tensor/kernels_scalar.c
    src/tensor/safetensors.c
    src/tensor/safetensors_format.c
    src/tensor/safetensors_save.c
    src/model/attention.c
    src/model/feedforward.c
    src/model/loss.c
    src/model/noise.c
    src/model/parameters.c
    src/model/pooling.c
    src/model/projection.c
    src/model/scratch.c
    src/model/tower.c
    src/classify/bundle.c
    src/classify/calibrate.c
    src/classify/calibration.c
    src/classify/classifier.c
    src/classify/config.c
    src/classify/corpus.c
    src/classify/encoding.c
    src/classify/evaluate.c
    src/classify/events.c
    src/classify/features.c
    src/classify/intervals.c
    src/classify/join.c
    src/classify/metrics.c
    src/classify/quantize.c
    src/classify/session.c
    src/classify/tensor_view.c
    src/classify/tower_tensors.c
    src/classify/vocabulary.c
    src/train/assembly.c
    src/train/bag_branch.c
    src/train/checkpoint.c
    src/train/cross_validation.c
    src/train/folds.c
    src/train/join_fit.c
    src/train/learning_data.c
    src/train/linear.c
    src/train/plan.c
    src/train/progress.c
    src/train/tower_branch.c
    src/train/tower_scores.c
    src/train/tower_trainer.c
    src/train/trainer.c
    src/train/training_set.c
)

# One file for each instruction set, each with its flags; the best one is chosen when the program
# runs (src/tensor/kernels.c).
set(HEADWISE_KERNEL_SOURCES)
function(headwise_kernel source)
    list(APPEND HEADWISE_KERNEL_SOURCES ${source})
    set(HEADWISE_KERNEL_SOURCES ${HEADWISE_KERNEL_SOURCES} PARENT_SCOPE)
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${ARGN}")
endfunction()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    headwise_kernel(src/tensor/kernels_avx2.c -mavx2 -mfma)
    headwise_kernel(src/tensor/kernels_avx512.c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    headwise_kernel(src/tensor/kernels_neon.c)
endif()

set(HEADWISE_APP_SOURCES
    app/cmd_calibrate.c
    app/cmd_check_data.c
    app/cmd_cv.c
    app/cmd_dump.c
    app/cmd_eval.c
    app/cmd_predict.c
    app/cmd_quantize.c
    app/cmd_test.c
    app/cmd_train.c
    app/cmd_version.c
    app/completion.c
    app/console.c
    app/data_scan.c
    app/help.c
    app/json_text.c
    app/label_table.c
    app/lines.c
    app/manual.c
    app/model_path.c
    app/options.c
    app/out_of_fold.c
    app/progress.c
    app/records.c
    app/report.c
    app/scorer.c
    app/selection.c
    app/spelling.c
    app/training.c
)
