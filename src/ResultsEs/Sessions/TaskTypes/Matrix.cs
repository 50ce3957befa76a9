using ResultsEs.EventStore;

namespace ResultsEs.Sessions.TaskTypes;

internal sealed record MatrixPayload(IReadOnlyList<MatrixRow> Rows);

internal sealed class Matrix : WireValidator<MatrixAnswer>
{
    public static TaskType<MatrixAnswer, MatrixPayload> TaskType { get; } = new("MATRIX", "matrix", new Matrix())
    {
        Payload = answer => new(answer.Rows),
        MaxBytes = TaskTypes.TaskType.MaxListBytes,
        Mask = static (answer, masking) => answer with
        {
            Rows = [.. answer.Rows.Select(row => row with
            {
                Id = masking.Id(row.Id),
                Label = Masking.Text,
                Selections = [.. row.Selections.Select(one => one with { Id = masking.Id(one.Id), Label = Masking.Text })],
            })],
        },
    };

    public Matrix()
    {
        RuleFor(x => x.Rows).NotEmpty().WithMessage("must have at least one row").DistinctBy(row => row.Id, "row ids");
        RuleForEach(x => x.Rows).ChildRules(row =>
        {
            row.RuleFor(x => x.Id).ShortId();
            row.RuleFor(x => x.Label).FreeText();
            row.RuleFor(x => x.Selections).DistinctBy(selection => selection.Id, "selection ids");
            row.RuleForEach(x => x.Selections).ChildRules(selection =>
            {
                selection.RuleFor(x => x.Id).ShortId();
                selection.RuleFor(x => x.Label).FreeText();
            });
        });
    }
}
