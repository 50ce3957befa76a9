using ResultsEs.EventStore;
using ResultsEs.Sessions;
using Weasel.Core;
using Weasel.Core.Migrations;
using Weasel.Postgresql.Tables;

namespace ResultsEs.Search;

/// <summary>
/// The tables of search. <c>search_texts</c>: passages with their words. <c>search_languages</c>: the languages that a workspace's
/// texts are in. <c>search_progress</c>: how far each account's changes are followed; in the row without an account, all of them.
/// </summary>
internal sealed class SearchSchema(Migrator migrator) : FeatureSchemaBase("search", migrator)
{
    public override IEnumerable<Type> DependentTypes() => [typeof(SessionResult)];

    protected override IEnumerable<ISchemaObject> schemaObjects()
    {
        var texts = MartenSetup.TableNamed("search_texts");
        texts.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        texts.AddColumn("session_id", "uuid").AsPrimaryKey();
        texts.AddColumn("part", "uuid").AsPrimaryKey();
        texts.AddColumn("document_id", "uuid").NotNull();
        texts.AddColumn("workspace_id", "uuid").NotNull();
        texts.AddColumn("test_id", "uuid").NotNull();
        texts.AddColumn("task_id", "uuid");
        texts.AddColumn("kind", "varchar").NotNull();
        texts.AddColumn("language", "varchar").NotNull();
        texts.AddColumn("at", "timestamptz").NotNull();
        texts.AddColumn("start_ms", "bigint").NotNull();
        texts.AddColumn("text", "varchar").NotNull();
        texts.AddColumn("words", "tsvector").NotNull();
        texts.Indexes.Add(new IndexDefinition("ix_search_texts_words") { Columns = ["words"], Method = IndexMethod.gin });
        texts.Indexes.Add(new IndexDefinition("ix_search_texts_place")
        {
            Columns = ["tenant_id", "workspace_id", "at", "session_id", "part"],
        });
        yield return texts;

        var languages = MartenSetup.TableNamed("search_languages");
        languages.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        languages.AddColumn("workspace_id", "uuid").AsPrimaryKey();
        languages.AddColumn("language", "varchar").AsPrimaryKey();
        yield return languages;

        var progress = MartenSetup.TableNamed("search_progress");
        progress.AddColumn("tenant_id", "varchar").AsPrimaryKey();
        progress.AddColumn("position", "bigint").NotNull();
        progress.AddColumn("complete_to", "timestamptz").NotNull();
        yield return progress;
    }
}
