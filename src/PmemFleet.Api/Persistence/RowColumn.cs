using System.Linq.Expressions;
using System.Reflection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;
using NpgsqlTypes;

namespace PmemFleet.Api.Persistence;

/// <summary>A column of a <see cref="RowTable"/>: its values of many rows are one array.</summary>
/// <param name="name">The column's name, quoted.</param>
internal abstract class RowColumn(string name)
{
    public string Name { get; } = name;

    /// <summary>The column of these rows, in their order.</summary>
    public abstract NpgsqlParameter Of(IReadOnlyList<object> rows);

    /// <summary>As the context's model maps the property.</summary>
    public static RowColumn Of(IProperty property, Type row)
    {
        var mapping = property.GetTableColumnMappings().Single();
        var entity = Expression.Parameter(typeof(object));
        var read = Read(Expression.Convert(entity, row), property);
        if (mapping.TypeMapping.Converter is { } converter)
        {
            read = Expression.Invoke(converter.ConvertToProviderExpression, read);
        }

        var type = typeof(RowColumn<>).MakeGenericType(read.Type);
        var reader = Expression.Lambda(typeof(Func<,>).MakeGenericType(typeof(object), read.Type), read, entity).Compile();
        return (RowColumn)Activator.CreateInstance(type, $"\"{mapping.Column.Name}\"", reader, JsonTypeOf(mapping.Column.StoreType))!;
    }

    /// <summary>The property; of a complex value that is null, null.</summary>
    private static Expression Read(Expression row, IProperty property)
    {
        var path = new Stack<PropertyInfo>();
        for (var owner = property.DeclaringType as IComplexType; owner is not null; owner = owner.ComplexProperty.DeclaringType as IComplexType)
        {
            path.Push(owner.ComplexProperty.PropertyInfo!);
        }

        if (path.Count == 0)
        {
            return Expression.Property(row, property.PropertyInfo!);
        }

        var around = path.Aggregate(row, Expression.Property);
        Expression value = Expression.Property(around, property.PropertyInfo!);
        if (value.Type.IsValueType && Nullable.GetUnderlyingType(value.Type) is null)
        {
            value = Expression.Convert(value, typeof(Nullable<>).MakeGenericType(value.Type));
        }

        return Expression.Condition(Expression.ReferenceEqual(around, Expression.Constant(null, around.Type)), Expression.Default(value.Type), value);
    }

    /// <summary>A text that is JSON has to say so; everything else tells its type by itself.</summary>
    private static NpgsqlDbType? JsonTypeOf(string storeType) => storeType switch
    {
        "json" => NpgsqlDbType.Array | NpgsqlDbType.Json,
        "jsonb" => NpgsqlDbType.Array | NpgsqlDbType.Jsonb,
        _ => null,
    };
}

/// <inheritdoc/>
/// <typeparam name="TValue">What the column holds.</typeparam>
internal sealed class RowColumn<TValue>(string name, Func<object, TValue> read, NpgsqlDbType? type) : RowColumn(name)
{
    public override NpgsqlParameter Of(IReadOnlyList<object> rows)
    {
        var values = new TValue[rows.Count];
        for (var row = 0; row < values.Length; row++)
        {
            values[row] = read(rows[row]);
        }

        var parameter = new NpgsqlParameter<TValue[]> { TypedValue = values };
        if (type is { } json)
        {
            parameter.NpgsqlDbType = json;
        }

        return parameter;
    }
}
